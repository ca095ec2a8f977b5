-- A lead nobody can write to, or with nothing to mend.
select l.frn, l.email
from {{ ref('deficiency_leads') }} l
where l.email is null
   or l.email <> lower(l.email)
   or l.email !~ '^[^@\s]+@[^@\s]+\.[^@\s]+$'
   or cardinality(l.codes) = 0
   or not exists (select from {{ ref('findings') }} f where f.frn = l.frn and f.severity <> 'information')
   or exists (select from unnest(l.codes) as one(code)
              where not exists (select from {{ ref('findings') }} f where f.frn = l.frn and f.code = one.code))
