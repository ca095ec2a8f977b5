{#- Where a link came from: its utm_source, or whose click id it carries; `(none)` where neither says anything. -#}
{% macro touch_source(column) -%}
    coalesce(nullif(lower(btrim({{ column }}->>'utm_source')), ''),
             case when {{ column }} ? 'gclid' then 'google'
                  when {{ column }} ? 'msclkid' then 'bing'
                  when {{ column }} ? 'fbclid' then 'facebook'
                  when {{ column }} ? 'li_fat_id' then 'linkedin'
                  when {{ column }} ? 'ttclid' then 'tiktok'
                  when {{ column }} ? 'twclid' then 'x' end,
             '(none)')
{%- endmacro %}

{#- By which medium: utm_medium, or `cpc` for a link that only a click id names. -#}
{% macro touch_medium(column) -%}
    coalesce(nullif(lower(btrim({{ column }}->>'utm_medium')), ''),
             case when {{ column }} ?| array['gclid', 'msclkid', 'fbclid', 'li_fat_id', 'ttclid', 'twclid']
                  then 'cpc' end,
             '(none)')
{%- endmacro %}
