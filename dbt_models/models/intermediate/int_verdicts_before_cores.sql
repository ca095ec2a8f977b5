{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn']}]) }}
-- Verdicts of every enabled rule that needs no CORES page: one row per FRN and rule. CORES is read for those with a
-- finding here.
select v.*
from ({{ verdicts_of(rules_before_cores()) }}) as v
join {{ source('pw', 'compliance_rules') }} r on r.code = v.code and r.is_enabled
