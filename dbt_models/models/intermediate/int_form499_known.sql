{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn']}, {'columns': ['name_key']}]) }}
-- FRNs and name keys of every filer, ended ones included, in copies since the older of the two that an absence would
-- stand on. kind `holding` for the holding company's name, `own` for the filer's own names.
with since as (
    select coalesce(since_on, date '-infinity') as day from {{ ref('int_absence') }} where source = 'fcc_form499'
),
filers as (
    select f.* from {{ source('core', 'fcc_form499_filers') }} f
    join {{ ref('stg_snapshots') }} s on s.snapshot_id = f.snapshot_id and s.is_loaded
    join since on s.as_of >= since.day
),
names as (
    select frn, filer_id, is_active, name_key, 'own' as kind from filers
    union
    select frn, filer_id, is_active, unnest(other_name_keys), 'own' from filers
    union
    select frn, filer_id, is_active, holding_company_key, 'holding' from filers
)
select frn, filer_id, is_active, name_key, kind from names where name_key <> '' or frn is not null
