{#- Schemas are named as readers know them. The target `build` writes beside them, to <schema>_next. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{- custom_schema_name or target.schema -}}{{- '_next' if target.name == 'build' -}}
{%- endmacro %}
