{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn'], 'unique': true}]) }}
-- One row per FRN in the Form 499 database. Of several filers the newest active one stands for all: an FRN with an
-- ended and an active filer is not deficient.
with filers as (
    select f.*, {{ said('f.dc_agent') }} as said_dc_agent,
           -- an address elsewhere counts only when one is stated
           case when upper(btrim(f.dc_agent_state)) in ('DC', 'D.C.', 'DISTRICT OF COLUMBIA', 'DISTRICT_OF_COLUMBIA') then true
                when f.dc_agent_city ~* '^\s*washington' and {{ said('f.dc_agent_state') }} is null then true
                when {{ said('f.dc_agent_state') }} is null then null
                else false end as is_agent_in_dc
    from {{ ref('stg_fcc_form499__filers') }} f
    where f.frn is not null and f.frn <> '0000000000'
),
best as (
    select distinct on (frn) *
    from filers
    order by frn, is_active desc, registration_current_as_of desc nulls last, filer_id desc
),
-- successors of ended filers: the duty moved with them
successors as (
    select distinct f.frn
    from filers f
    join {{ ref('stg_fcc_form499__filers') }} s on s.filer_id = f.replaced_by_filer_id and s.is_active
    where not f.is_active
),
all_of_it as (
    select frn,
           count(*)::int as filers,
           count(*) filter (where is_active)::int as active_filers,
           array_agg(filer_id order by filer_id) as filer_ids,
           array_agg(distinct snapshot_id) as snapshot_ids,
           array_agg(distinct comm_type) filter (where is_active and comm_type is not null) as active_types,
           max(registration_current_as_of) filter (where is_active) as current_as_of,
           bool_or(is_active and registration_current_as_of is null) as has_undated,
           bool_or(is_active and is_usf_contributor) as is_contributor,
           bool_or(is_active and is_consolidated) as is_consolidated,
           -- An FRN whose ended filer is years older than its active one was not in business in between.
           coalesce(min(started_on) filter (where is_active), min(started_on)) as started_on,
           coalesce(min(filer_id) filter (where is_active), min(filer_id)) as first_filer_id,
           max(ended_on) as ended_on,
           bool_or(not is_active and (end_reason ~* 'consolidat|absorbed|sold' or notes::text ~* 'consolidat|absorbed|sold'))
               as went_to_another,
           bool_or(is_active and said_dc_agent is not null and is_agent_in_dc is distinct from false) as has_dc_agent,
           bool_or(is_active and (said_dc_agent is not null
                                  or {{ said('dc_agent_email') }} is not null
                                  or {{ said('dc_agent_phone') }} is not null
                                  or {{ said('alternate_agent_email') }} is not null)) as has_some_agent,
           bool_or(is_active and said_dc_agent is not null and is_agent_in_dc is false) as has_agent_elsewhere
    from filers
    group by frn
)
select a.*, s.frn is not null as has_active_successor,
       b.filer_id, b.legal_name, b.name_key, b.comm_type, b.hq_state, b.holding_company, b.holding_company_key,
       b.snapshot_id, b.as_of, b.edition_on, b.registration_current_as_of, b.is_active, b.end_reason,
       b.said_dc_agent is not null as best_has_agent, b.dc_agent_state
from all_of_it a
join best b using (frn)
left join successors s using (frn)
