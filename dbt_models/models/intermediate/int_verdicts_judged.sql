{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['code', 'frn']}]) }}
-- What each enabled rule that needs no CORES page says, before anybody asks how many it says it of: one row per FRN and rule.
select v.*
from ({{ verdicts_of(rules_before_cores()) }}) as v
join {{ source('pw', 'compliance_rules') }} r on r.code = v.code and r.is_enabled
