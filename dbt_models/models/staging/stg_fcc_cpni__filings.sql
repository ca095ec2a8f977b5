-- Every filing of the docket seen in any usable copy: a filing once received stays received.
select distinct on (f.id_submission) s.as_of, f.*
from {{ source('core', 'fcc_cpni_filings') }} f
join {{ ref('stg_snapshots') }} s on s.snapshot_id = f.snapshot_id and s.is_loaded
order by f.id_submission, s.as_of desc, s.fetched_at desc
