{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn'], 'unique': true}]) }}
-- One row per FRN of any list, with what CORES says of it.
select c.frn,
       coalesce(c.name, case when k.is_found then k.entity_name end) as name,
       coalesce(c.name_source, case when k.is_found and k.entity_name is not null then 'cores' end) as name_source,
       c.name_confidence, c.is_foreign, c.country, c.hq_state, c.comm_type,
       c.is_rmd_filer, c.is_rmd_affiliate, c.is_form499_filer, c.is_form499_active, c.is_bdc_provider,
       k.is_found as cores_found,
       c.duties, c.rmd_numbers, c.filer_ids, c.cpni_match,
       {{ ids(['c.name_keys', "array[nullif(case when k.is_found then k.name_key end, '')]"]) }} as name_keys,
       {{ ids(['c.snapshot_ids', 'array[k.snapshot_id]']) }} as snapshot_ids
from {{ ref('int_carriers') }} c
left join {{ ref('int_cores') }} k using (frn)
