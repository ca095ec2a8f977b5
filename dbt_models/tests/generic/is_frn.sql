{#- Ten digits, and not the number that does not exist. -#}
{% test is_frn(model, column_name) %}
select {{ column_name }} from {{ model }}
where {{ column_name }} is null or {{ column_name }} !~ '^\d{10}$' or {{ column_name }} = '0000000000'
{% endtest %}
