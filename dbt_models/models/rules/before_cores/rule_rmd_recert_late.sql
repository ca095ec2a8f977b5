-- Filers whose first recertification of the judged year came after the last day for it.
select frn,
       case when is_made_before then 'finding' else 'held' end as verdict,
       case when not is_made_before then 'It cannot be told whether the filing is older than the window.' end as why,
       due_on_et,
       {{ evidence({
           'Filing': "array_to_string(numbers, ', ')",
           'Recertified': 'recertified_on',
           'Last day for it': 'due_on_et'}) }} as evidence,
       snapshot_ids
from {{ ref('int_rmd_filers') }}
where can_judge_recertification and recertified_on > due_on_et and not is_made_new
