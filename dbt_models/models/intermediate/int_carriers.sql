{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn'], 'unique': true}]) }}
-- One row per FRN of any list: RMD filer (now or once), affiliate named in an RMD filing, Form 499 filer, provider in
-- any edition of the broadband data. CORES is added in marts.carriers, when its pages have been read.
with affiliates as (
    select distinct affiliate_frn as frn from {{ ref('int_rmd_affiliates') }}
),
frns as (
    select frn from {{ ref('int_rmd_filers') }}
    union select frn from {{ ref('int_rmd_numbers') }}
    union select frn from affiliates
    union select frn from {{ ref('int_form499_carriers') }}
    union select frn from {{ ref('int_bdc_frns') }}
),
once as (
    select frn, array_agg(number order by number) as numbers,
           (array_agg(business_name order by last_seen_on desc, number desc))[1] as business_name,
           array_agg(distinct name_key) filter (where name_key <> '') as name_keys,
           array_agg(distinct snapshot_id) as snapshot_ids
    from {{ ref('int_rmd_numbers') }} group by frn
),
keys as (
    select frn, array_agg(distinct name_key order by name_key) as name_keys
    from {{ ref('int_carrier_names') }} group by frn
),
shared as (  -- a name that both records know
    select distinct r.frn
    from {{ ref('int_carrier_names') }} r
    join {{ ref('int_carrier_names') }} f on f.frn = r.frn and f.name_key = r.name_key and f.source = 'form499'
    where r.source = 'rmd'
)
select c.frn,
       coalesce(case when f.is_active then f.legal_name end, r.business_name, f.legal_name, o.business_name,
                b.provider_name, b.holding_company) as name,
       case when f.is_active and f.legal_name is not null then 'form499'
            when r.business_name is not null then 'rmd'
            when f.legal_name is not null then 'form499'
            when o.business_name is not null then 'rmd'
            when coalesce(b.provider_name, b.holding_company) is not null then 'bdc' end as name_source,
       case when coalesce(r.name_key, '') = '' or coalesce(f.name_key, '') = '' then 'one source'
            when r.name_key = f.name_key then 'sources agree'
            when h.frn is not null then 'a trade name agrees'
            else 'sources differ' end as name_confidence,
       coalesce(r.is_foreign, false) as is_foreign,
       r.country,
       f.hq_state,
       coalesce(case when f.is_active then f.comm_type end, f.comm_type) as comm_type,
       r.frn is not null as is_rmd_filer,
       a.frn is not null as is_rmd_affiliate,
       f.frn is not null as is_form499_filer,
       coalesce(f.is_active, false) as is_form499_active,
       coalesce(b.is_in_latest, false) as is_bdc_provider,
       array_remove(array[
           case when r.frn is not null
                     or (f.is_active and f.active_types && {{ voice_types() }}) then 'rmd' end,
           case when f.is_active and f.active_types && {{ cpni_types() }} then 'cpni' end,
           case when f.is_active or (r.is_voice and r.is_domestic) then 'form499' end,
           case when coalesce(b.is_in_latest, false) or b.edition_rank <= 2 then 'bdc' end], null) as duties,
       coalesce(r.numbers, '{}') as rmd_numbers,
       coalesce(f.filer_ids, '{}') as filer_ids,
       case when m.has_match then jsonb_build_object(
                'id_submission', m.first_id, 'filer', m.first_name, 'received_on_et', m.first_received_on,
                'method', m.first_method, 'confidence', m.first_confidence)
            when m.near_id is not null then jsonb_build_object(
                'id_submission', m.near_id, 'filer', m.near_name, 'method', m.near_method, 'confidence', m.near_confidence)
       end as cpni_match,
       coalesce(k.name_keys, '{}') as name_keys,
       {{ ids(["coalesce(r.snapshot_ids, o.snapshot_ids, '{}')", "coalesce(f.snapshot_ids, '{}')", "array[b.snapshot_id]"]) }} as snapshot_ids
from frns c
left join {{ ref('int_rmd_filers') }} r using (frn)
left join once o using (frn)
left join affiliates a using (frn)
left join {{ ref('int_form499_carriers') }} f using (frn)
left join {{ ref('int_bdc_frns') }} b using (frn)
left join {{ ref('int_cpni_matches') }} m using (frn)
left join keys k using (frn)
left join shared h using (frn)
where c.frn ~ '^\d{10}$' and c.frn <> '0000000000'
