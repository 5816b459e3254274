# Ollama on Windows: its settings as variables of the user. Above stand $DO (show, install, set or
# undo) and $WANTED, lines of NAME=VALUE.
$kept = "$env:LOCALAPPDATA\tampu\ollama.env"

function Set-All($text) {
    foreach ($line in ($text -split "`n" | Where-Object { $_ })) {
        $name, $value = $line -split '=', 2
        [Environment]::SetEnvironmentVariable($name, $value, 'User')
    }
}

function Clear-All($text) {
    foreach ($line in ($text -split "`n" | Where-Object { $_ })) {
        [Environment]::SetEnvironmentVariable(($line -split '=', 2)[0], $null, 'User')
    }
}

function Restart-Ollama {
    Get-Process 'ollama*' -ErrorAction SilentlyContinue | Stop-Process -Force
    Start-Process "$env:LOCALAPPDATA\Programs\Ollama\ollama app.exe"
}

switch ($DO) {
    'show' {
        if (Get-Command ollama -ErrorAction SilentlyContinue) { 'ollama: installed' } else { 'ollama: missing' }
        if (Test-Path $kept) { [IO.File]::ReadAllText($kept) }
    }
    'install' { winget install --silent --accept-package-agreements --accept-source-agreements Ollama.Ollama }
    'set' {
        New-Item -Force -ItemType Directory (Split-Path $kept) | Out-Null
        Remove-Item -ErrorAction SilentlyContinue "$kept.before"
        if (Test-Path $kept) { Clear-All ([IO.File]::ReadAllText($kept)); Copy-Item $kept "$kept.before" }
        [IO.File]::WriteAllText($kept, $WANTED)
        Set-All $WANTED
        Restart-Ollama
    }
    'undo' {
        Clear-All ([IO.File]::ReadAllText($kept))
        if (Test-Path "$kept.before") { Move-Item -Force "$kept.before" $kept; Set-All ([IO.File]::ReadAllText($kept)) }
        else { Remove-Item $kept }
        Restart-Ollama
    }
}
