-- A finding on a carrier whom its rule does not bind.
select f.frn, f.code
from {{ ref('findings') }} f
left join {{ ref('carriers') }} c using (frn)
join {{ source('pw', 'compliance_rules') }} r using (code)
where c.frn is null
   or not r.is_enabled
   or r.kind <> 'finding'
   or case
        when f.code in ('CPNI_MISSING', 'CPNI_LATE') then not 'cpni' = any(c.duties) or c.is_foreign
        when f.code in ('F499A_STALE', 'F499A_VERY_STALE', 'DC_AGENT_MISSING') then not c.is_form499_active
        when f.code = 'F499_MISSING' then c.is_foreign or not c.is_rmd_filer or c.is_form499_filer
        when f.code = 'F499_ENDED_BUT_ACTIVE' then c.is_foreign or not c.is_rmd_filer or c.is_form499_active
        when f.code = 'RMD_MISSING' then not c.is_form499_active or c.is_rmd_filer or c.is_rmd_affiliate
        when f.code = 'RMD_REMOVED' then c.is_rmd_filer or c.is_rmd_affiliate
        when f.code in ('BDC_MISSING', 'BDC_DROPPED') then c.is_bdc_provider
        when f.code = 'CORES_UNKNOWN' then c.cores_found is not false
        when f.code in ('CORES_STALE', 'RMD_CORES_MISMATCH') then not c.is_rmd_filer or c.cores_found is not true
        else not c.is_rmd_filer end
