-- One row per edition of the broadband data in hand, 1 the latest, with the due date its data were to be filed by.
select distinct p.edition_rank, p.edition_on, p.edition, p.snapshot_id, p.as_of,
       (select min(d.due_on_et) from {{ ref('stg_due_dates') }} d where d.duty = 'bdc' and d.nominal_on > p.edition_on) as due_on_et
from {{ ref('stg_fcc_bdc__providers') }} p
