-- Free compliance checks by where they came from. A campaign of the lead list is named by its segment.
select c.check_id, c.checked_at, c.frn, c.channel,
       cardinality(c.codes) > 0 as has_findings,
       {{ utm('c.utm', 'source') }} as utm_source,
       {{ utm('c.utm', 'medium') }} as utm_medium,
       {{ utm('c.utm', 'campaign') }} as utm_campaign,
       coalesce(s.segment, '(none)') as segment
from {{ source('books', 'compliance_check_log') }} c
left join {{ source('pw', 'segments') }} s on s.segment = {{ utm('c.utm', 'campaign') }}
