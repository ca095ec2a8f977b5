-- Filers all of whose filings say No to every role.
select frn,
       'finding' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({
           'Filing': "array_to_string(numbers, ', ')",
           'Voice service, gateway, intermediate': "'No to all three'::text"}) }} as evidence,
       snapshot_ids
from {{ ref('int_rmd_filers') }}
where is_role_none
