-- A finding of absence that stands on fewer copies of different days (and of different rows, where the source's
-- contract wants that) than the contract asks for.
{% set absent_from = {'RMD_MISSING': 'fcc_rmd', 'RMD_REMOVED': 'fcc_rmd', 'CPNI_MISSING': 'fcc_cpni',
                      'CPNI_LATE': 'fcc_cpni', 'F499_MISSING': 'fcc_form499', 'BDC_MISSING': 'fcc_bdc',
                      'BDC_DROPPED': 'fcc_bdc'} %}
select f.frn, f.code
from {{ ref('findings') }} f
join (values {% for code, source in absent_from.items() %}('{{ code }}', '{{ source }}'){{ ',' if not loop.last }}{% endfor %})
    as needs(code, source) using (code)
join {{ source('pw', 'sources') }} s on s.source = needs.source
where coalesce(s.absence_sightings, 2) > (
    select least(count(distinct n.as_of), case when s.absence_distinct_bytes then count(distinct n.content) else count(distinct n.as_of) end) from {{ ref('stg_snapshots') }} n
    where n.snapshot_id = any(f.snapshot_ids) and n.source = needs.source and n.proves_absence
)
