{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn']}]) }}
-- Verdicts of every enabled rule that needs no CORES page: one row per FRN and rule. New findings of a rule that jumps
-- are held. CORES is read for those with a finding here.
select v.code, v.frn,
       case when v.is_stopped then 'held' else v.verdict end as verdict,
       case when v.is_stopped then to_char(v.newly, 'FM999,999,999') || ' carriers would be newly accused of this at once; at most '
                                 || v.most || ' are by themselves. It waits for a person: pw findings release ' || v.code
            else v.why end as why,
       v.due_on_et, v.evidence, v.snapshot_ids
from (
    select v.*, j.newly, j.most,
           v.verdict = 'finding' and coalesce(j.is_held, false)
               and not exists (select from {{ ref('int_accused') }} a where a.frn = v.frn and a.code = v.code) as is_stopped
    from {{ ref('int_verdicts_judged') }} v
    left join {{ ref('int_jumps') }} j on j.code = v.code
) as v
