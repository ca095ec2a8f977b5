{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['number'], 'unique': true}, {'columns': ['frn']}]) }}
-- One row per filing number ever seen in a usable copy: when first and last, and under which FRN and name at last.
with seen as (
    select number, min(as_of) as first_seen_on, max(as_of) as last_seen_on
    from {{ ref('stg_fcc_rmd__presence') }}
    group by number
),
last as (
    select distinct on (number) number, frn, business_name, name_key, snapshot_id
    from {{ ref('stg_fcc_rmd__presence') }}
    order by number, as_of desc, fetched_at desc
)
select number, first_seen_on, last_seen_on, frn, business_name, name_key, snapshot_id
from seen join last using (number)
