{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn'], 'unique': true}]) }}
-- FRNs that a usable copy lists since the older of the two that an absence would stand on: as a filer, or among the
-- affiliates of another filer. Whoever is here is not missing.
with since as (
    select coalesce(since_on, date '-infinity') as day from {{ ref('int_absence') }} where source = 'fcc_rmd'
),
filers as (
    select p.frn from {{ ref('stg_fcc_rmd__presence') }} p join since on p.as_of >= since.day
    union
    select f.frn from {{ ref('int_rmd_filings') }} f
),
affiliates as (
    select unnest(f.affiliate_frns) as frn from {{ ref('int_rmd_filings') }} f
    union
    select unnest(o.other_frns)
    from {{ source('core', 'fcc_rmd_filings') }} o
    join {{ ref('stg_snapshots') }} s on s.snapshot_id = o.snapshot_id and s.is_loaded
    join since on s.as_of >= since.day
    where cardinality(o.other_frns) > 0
)
select frn, bool_or(is_filer) as is_filer, bool_or(not is_filer) as is_affiliate
from (select frn, true as is_filer from filers union all select frn, false from affiliates) as listed
where frn ~ '^\d{10}$' and frn <> '0000000000'
group by frn
