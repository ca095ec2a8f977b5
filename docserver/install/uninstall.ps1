# Ends the worker and removes its task. The folder, with settings and logs, stays.
$ErrorActionPreference = 'Stop'
$name = 'pw-docserver'
if (Get-ScheduledTask -TaskName $name -ErrorAction SilentlyContinue) {
    Stop-ScheduledTask -TaskName $name
    Unregister-ScheduledTask -TaskName $name -Confirm:$false
    Write-Output "Removed: $name."
} else {
    Write-Output "There is no task $name."
}
