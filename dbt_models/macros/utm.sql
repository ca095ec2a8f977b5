{#- One word of where a visitor came from, in lower case; `(none)` where nothing was given. -#}
{% macro utm(column, word) -%}
    coalesce(nullif(lower(btrim({{ column }}->>'utm_{{ word }}')), ''), '(none)')
{%- endmacro %}

{#- The month of a moment, by New York's calendar. -#}
{% macro month_of(moment) -%}
    date_trunc('month', {{ moment }} at time zone 'America/New_York')::date
{%- endmacro %}
