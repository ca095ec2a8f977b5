-- Asked of contributors: the quarterly filings are not public.
select frn,
       'ask' as verdict,
       null::text as why,
       null::date as due_on_et,
       {{ evidence({'Form 499 filer ID': 'filer_id'}) }} as evidence,
       snapshot_ids as snapshot_ids
from {{ ref('int_form499_carriers') }}
where is_active and is_contributor
