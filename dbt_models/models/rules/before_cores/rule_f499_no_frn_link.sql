-- Carriers whose name an active Form 499 filer without an FRN carries.
select m.frn,
       'finding' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({
           'Form 499 filer ID': "string_agg(distinct f.filer_id, ', ')",
           'Name in Form 499': "string_agg(distinct m.subject_name, ' / ')",
           'Name matched by': "string_agg(distinct m.method, ', ')"}) }} as evidence,
       {{ ids(['array_agg(f.snapshot_id)', 'array_agg(r.snapshot_id)']) }} as snapshot_ids
from {{ source('core', 'name_matches') }} m
join {{ ref('stg_fcc_form499__filers') }} f on f.filer_id = m.subject_id and f.frn is null and f.is_active
join {{ ref('int_rmd_filers') }} r on r.frn = m.frn
where m.subject = 'form499' and m.method in ('exact', 'key')
group by m.frn
