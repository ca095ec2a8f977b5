-- Due dates of every duty.
select duty, year, nominal_on, due_on_et, late_after_on_et
from {{ source('pw', 'due_dates') }}
