{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['name_key'], 'unique': true}]) }}
-- Comparison keys of every name a usable copy shows since the older of the two that an absence would stand on.
with since as (
    select coalesce(since_on, date '-infinity') as day from {{ ref('int_absence') }} where source = 'fcc_rmd'
),
named as (
    select p.name_key, p.number, false as is_in_force from {{ ref('stg_fcc_rmd__presence') }} p join since on p.as_of >= since.day
    union all
    select name_key, number, true from {{ ref('int_rmd_filings') }}
    union all
    select unnest(other_name_keys), number, true from {{ ref('int_rmd_filings') }}
)
select name_key, min(number) as number, bool_or(is_in_force) as is_in_force
from named where name_key <> '' group by name_key
