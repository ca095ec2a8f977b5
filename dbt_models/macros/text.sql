{#- NULL for empty text and for the words the public record writes where it has nothing. -#}
{% macro said(column) -%}
    (case when {{ column }} ~* '^[\s.,;/-]*((null|none|n/?a|nil|unknown|not applicable)[\s.,;/-]*)*$' then null else {{ column }} end)
{%- endmacro %}

{#- An e-mail address one may write to, lower case; NULL for anything else. -#}
{% macro mailable(column) -%}
    (case when btrim(lower({{ column }})) ~ '^[a-z0-9._%+''-]+@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}$'
          then btrim(lower({{ column }})) end)
{%- endmacro %}

{#- A jsonb object of plain words -> values, those that say nothing left out. -#}
{% macro evidence(pairs) -%}
    jsonb_strip_nulls(jsonb_build_object(
        {%- for words, value in pairs.items() %}
        '{{ words }}', {{ value }}{{ ',' if not loop.last }}
        {%- endfor %}
    ))
{%- endmacro %}

{#- The distinct, sorted values of one or more arrays or values, without NULLs. -#}
{% macro ids(arrays) -%}
    (select coalesce(array_agg(distinct id order by id), '{}')
     from unnest({{ arrays | join(' || ') }}) as one(id) where id is not null)
{%- endmacro %}

{#- Whether a country as filed is the United States; NULL when none is. -#}
{% macro is_american(column) -%}
    ({{ column }} in ('United States of America', 'United States', 'USA', 'US'))
{%- endmacro %}
