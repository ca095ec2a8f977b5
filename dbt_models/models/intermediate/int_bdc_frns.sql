{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn'], 'unique': true}]) }}
-- One row per FRN in any edition of the broadband data: the last edition it is in, and under which IDs and holding
-- company there.
with since as (
    select coalesce(since_on, date '-infinity') as day, edition_on from {{ ref('int_absence') }} where source = 'fcc_bdc'
),
-- any copy of the latest edition, from the older of the two on which an absence would stand
in_latest as (
    select p.frn, p.provider_id, p.holding_company_key
    from {{ source('core', 'fcc_bdc_providers') }} p
    join {{ ref('stg_snapshots') }} s on s.snapshot_id = p.snapshot_id and s.is_loaded and s.source = 'fcc_bdc'
    join {{ ref('int_bdc_editions') }} e on e.edition_rank = 1 and e.edition_on = s.edition_on
    join since on s.as_of >= since.day
    union
    select frn, provider_id, holding_company_key from {{ ref('stg_fcc_bdc__providers') }} where edition_rank = 1
),
last as (
    select distinct on (frn) frn, edition_rank, edition_on, edition, snapshot_id, as_of, holding_company, provider_name
    from {{ ref('stg_fcc_bdc__providers') }}
    where frn <> '0000000000'
    order by frn, edition_rank, provider_id
),
all_of_it as (
    select frn, array_agg(distinct edition order by edition) as editions,
           array_agg(distinct provider_id) as provider_ids,
           array_agg(distinct holding_company_key) filter (where holding_company_key <> '') as holding_keys
    from {{ ref('stg_fcc_bdc__providers') }}
    group by frn
)
select l.*, a.editions, a.provider_ids, a.holding_keys,
       exists (select from in_latest i where i.frn = l.frn) as is_in_latest,
       l.edition_rank > 1 and a.provider_ids && (select array_agg(distinct provider_id) from in_latest) as id_still_there,
       l.edition_rank > 1 and coalesce(a.holding_keys && (select array_agg(distinct holding_company_key) from in_latest), false)
           as holding_still_there
from last l
join all_of_it a using (frn)
