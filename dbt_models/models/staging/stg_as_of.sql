-- The day asked about. PW_DBT_AS_OF is read here and nowhere else, so that another day re-parses one file only.
{% set day = env_var('PW_DBT_AS_OF', '') %}
select {{ "'" ~ day ~ "'::date" if day else "(now() at time zone 'America/New_York')::date" }} as as_of
