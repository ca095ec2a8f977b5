{{ config(indexes=[{'columns': ['number'], 'unique': true}]) }}
-- First recertification of the judged year that any usable copy shows for a filing: a later one, shown in its place
-- in newer copies, does not make the first one late.
select f.number, min(f.last_recertified_on) as recertified_on
from {{ source('core', 'fcc_rmd_filings') }} f
join {{ ref('stg_snapshots') }} s on s.snapshot_id = f.snapshot_id and s.is_loaded
join {{ ref('int_rmd_year') }} y on f.last_recertified_on >= y.opens_on
group by f.number
