-- Active filers whose registration is one yearly cycle behind. Filers that began in the year itself owe it next year.
{{ form499a_behind("f.current_as_of < y.nominal_on and f.current_as_of >= y.nominal_on - interval '1 year'") }}
