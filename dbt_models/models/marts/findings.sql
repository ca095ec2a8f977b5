{{ config(meta={'dagster': {'group': 'findings'}}, post_hook='analyze {{ this }}', indexes=[{'columns': ['frn', 'code'], 'unique': true}, {'columns': ['code']}]) }}
-- What the public record shows against a carrier: one row per FRN and rule.
select v.frn, v.code, r.title, r.severity, r.severity_rank, r.certainty, r.citation, r.explanation, r.remedy, r.service,
       v.due_on_et, v.evidence, v.snapshot_ids, d.as_of
from {{ ref('int_verdicts') }} v
join {{ source('pw', 'compliance_rules') }} r on r.code = v.code and r.kind = 'finding'
cross join {{ ref('stg_as_of') }} d
where v.verdict = 'finding'
