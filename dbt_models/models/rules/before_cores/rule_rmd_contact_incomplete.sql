-- Filers none of whose filings names a whole contact. What the best of them lacks is said, never what it has.
select frn,
       'finding' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({
           'Filing': "array_to_string(numbers, ', ')",
           'Missing of the contact': "array_to_string(contact_lacks, ', ')"}) }} as evidence,
       snapshot_ids
from {{ ref('int_rmd_filers') }}
where is_contact_incomplete
