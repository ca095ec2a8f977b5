-- Filings in force, each as the newest copy that has it says.
select distinct on (f.number) s.as_of, s.layout, f.*
from {{ source('core', 'fcc_rmd_filings') }} f
join {{ ref('stg_snapshots') }} s on s.snapshot_id = f.snapshot_id and s.is_in_force
order by f.number, s.as_of desc, s.fetched_at desc
