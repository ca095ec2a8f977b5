{{ config(indexes=[{'columns': ['frn', 'code'], 'unique': true}]) }}
-- Who stands accused of what before this build: one row per FRN and rule. What was held for two weeks at most (a copy
-- that could not be matched in time) and comes back is no new accusation.
select distinct h.frn, h.code
from {{ source('pw', 'finding_history') }} h
cross join {{ ref('stg_as_of') }} d
where h.closed_at is null
   or h.closed_reason = 'held' and h.closed_as_of >= d.as_of - 14
