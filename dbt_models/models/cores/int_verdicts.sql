{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn']}]) }}
-- Verdicts of every enabled rule: one row per FRN and rule.
select code, frn, verdict, why, due_on_et, evidence, snapshot_ids from {{ ref('int_verdicts_before_cores') }}
union all
select v.*
from ({{ verdicts_of(rules_on_cores()) }}) as v
join {{ source('pw', 'compliance_rules') }} r on r.code = v.code and r.is_enabled
