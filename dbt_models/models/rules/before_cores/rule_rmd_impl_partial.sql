-- Voice service and gateway providers whose best certification is of a part of the network.
select frn,
       'finding' as verdict,
       null::text as why,
       case when is_voice then date '2021-06-30' else date '2023-06-30' end as due_on_et,
       {{ evidence({
           'Filing': "array_to_string(numbers, ', ')",
           'STIR/SHAKEN implementation': "'Partial STIR/SHAKEN Implementation'::text"}) }} as evidence,
       snapshot_ids
from {{ ref('int_rmd_filers') }}
where has_partial and not coalesce(has_complete, false) and (is_voice or is_gateway)
