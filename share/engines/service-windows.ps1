# An engine on Windows that runs as a scheduled task with the model that the fleet file names. Above
# stand $DO (show, install, fetch, set or undo), $NAME (of the engine), $BINARY, $INSTALL (ways,
# first choice first), $FILES (DIGEST SIZE URL, a line each), $AFTER (a command for when it runs) and
# $WANTED, the command file's text.
$shared = 'C:\ProgramData\tampu'
$folder = "$shared\models"
$file = "$shared\$NAME.cmd"
$env:Path = "$shared\bin;$env:Path"

function Test-Program { [bool](Get-Command $BINARY -ErrorAction SilentlyContinue) }

function Stop-ByHand($where) {
    "nothing here can install ${BINARY}: do it as $where says, then apply again"
    exit 3
}

# OWNER/NAME/PATTERN: the newest archive whose name matches.
function Install-Release($what) {
    $parts = $what -split '/', 3
    $release = Invoke-RestMethod "https://api.github.com/repos/$($parts[0])/$($parts[1])/releases/latest"
    $asset = $release.assets | Where-Object { $_.name -match $parts[2] } | Select-Object -First 1
    if (-not $asset) { return }
    New-Item -Force -ItemType Directory "$shared\bin" | Out-Null
    & curl.exe -fsSL $asset.browser_download_url -o "$shared\$NAME.zip"
    Expand-Archive -Force "$shared\$NAME.zip" "$shared\unpacked-$NAME"
    $found = Get-ChildItem -Recurse "$shared\unpacked-$NAME" -Filter "$BINARY.exe" | Select-Object -First 1
    if ($found) { Copy-Item -Force "$($found.DirectoryName)\*" "$shared\bin" }
}

function Install-With($way) {
    $method, $what = $way -split ':', 2
    switch ($method) {
        'winget' { winget install --silent --accept-package-agreements --accept-source-agreements $what | Out-Null }
        'release' { Install-Release $what }
        'hand' { Stop-ByHand $what }
    }
}

# A part that is there goes on; what has another digest is gone.
function Get-File($digest, $size, $url) {
    $wanted = $digest -replace '^sha256:', ''
    $path = "$folder\sha256-$wanted"
    if (Test-Path $path) { return }
    New-Item -Force -ItemType Directory $folder | Out-Null
    $have = if (Test-Path "$path.part") { (Get-Item "$path.part").Length } else { 0 }
    if ($have -lt [int64]$size) { & curl.exe -fsSL --retry 5 -r "$have-" $url -o "$path.piece" }
    if (Test-Path "$path.piece") {
        $in = [IO.File]::OpenRead("$path.piece")
        $out = [IO.File]::Open("$path.part", 'Append')
        $in.CopyTo($out)
        $in.Close(); $out.Close()
        Remove-Item "$path.piece"
    }
    if ((Get-FileHash -Algorithm SHA256 "$path.part").Hash -ne $wanted) {
        Remove-Item "$path.part"
        "${url}: what came has another digest than $digest"
        exit 1
    }
    Move-Item "$path.part" $path
}

function Restart-Service-Task {
    $action = New-ScheduledTaskAction -Execute 'cmd.exe' -Argument "/c `"$file`""
    $trigger = New-ScheduledTaskTrigger -AtLogOn
    $settings = New-ScheduledTaskSettingsSet -ExecutionTimeLimit 0 -RestartCount 99 -RestartInterval (New-TimeSpan -Minutes 1)
    Stop-ScheduledTask -TaskName "tampu $NAME" -ErrorAction SilentlyContinue
    Register-ScheduledTask -Force -TaskName "tampu $NAME" -Action $action -Trigger $trigger -Settings $settings | Out-Null
    Start-ScheduledTask -TaskName "tampu $NAME"
}

switch ($DO) {
    'show' {
        if (Test-Program) { "${NAME}: installed" } else { "${NAME}: missing" }
        Get-ChildItem "$folder\sha256-*" -ErrorAction SilentlyContinue | Where-Object { $_.Name -notlike '*.p*' } | ForEach-Object { "file $($_.Name)" }
        if (Test-Path $file) { [IO.File]::ReadAllText($file) }
    }
    'install' {
        foreach ($way in $INSTALL -split ' ') { if (-not (Test-Program)) { Install-With $way } }
        if (-not (Test-Program)) { "$BINARY could not be installed: $INSTALL"; exit 1 }
    }
    'fetch' {
        foreach ($line in $FILES -split "`n" | Where-Object { $_ }) { Get-File @($line -split ' ') }
    }
    'set' {
        New-Item -Force -ItemType Directory $shared | Out-Null
        Remove-Item -ErrorAction SilentlyContinue "$file.before"
        if (Test-Path $file) { Copy-Item $file "$file.before" }
        [IO.File]::WriteAllText($file, $WANTED)
        Restart-Service-Task
        if ($AFTER) { Invoke-Expression "& $AFTER" }
    }
    'undo' {
        if (Test-Path "$file.before") { Move-Item -Force "$file.before" $file; Restart-Service-Task }
        else { Unregister-ScheduledTask -Confirm:$false -TaskName "tampu $NAME" -ErrorAction SilentlyContinue; Remove-Item -ErrorAction SilentlyContinue $file }
    }
}
