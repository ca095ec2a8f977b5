-- Asked of every filer: the export does not say whether a plan is attached.
select frn,
       'ask' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({'Filing': 'number', 'Page of the filing': 'filing_url'}) }} as evidence,
       snapshot_ids as snapshot_ids
from {{ ref('int_rmd_filers') }}
