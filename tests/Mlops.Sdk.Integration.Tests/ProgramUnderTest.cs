using System.Collections.Concurrent;
using System.Diagnostics;

namespace Mlops.Sdk.Integration.Tests;

/// <summary>A program of ours, started as its own process the way a user starts it.</summary>
internal sealed class ProgramUnderTest : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly SemaphoreSlim _line = new(0);
    private readonly Task _reading;

    private ProgramUnderTest(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, _output), ReadAsync(process.StandardError, _errors));
    }

    internal string Output => string.Join('\n', _output);

    internal string Errors => string.Join('\n', _errors);

    internal Process Process => _process;

    /// <summary>Starts an assembly with the same <c>dotnet</c> that runs the tests.</summary>
    internal static ProgramUnderTest StartAssembly(Type typeInIt, string workingFolder, params string[] arguments) =>
        Start("dotnet", workingFolder, ["exec", typeInIt.Assembly.Location, .. arguments]);

    internal static ProgramUnderTest Start(string program, string workingFolder, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = workingFolder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[key] = value;
        }

        return new ProgramUnderTest(Process.Start(start)!);
    }

    /// <summary>Waits for the end and answers with the exit code.</summary>
    internal async Task<int> EndAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        await _reading;
        return _process.ExitCode;
    }

    /// <summary>Waits for a line of the output.</summary>
    internal async Task<string> LineAsync(Func<string, bool> wanted)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            if (_output.FirstOrDefault(wanted) is { } line)
            {
                return line;
            }

            Assert.False(_reading.IsCompleted && !_output.Any(wanted), $"The program ended without the line. Output:\n{Output}\nErrors:\n{Errors}");
            await _line.WaitAsync(patience.Token);
        }
    }

    /// <summary>Lets it run for a while, then kills it with SIGKILL. Answers whether it was still running.</summary>
    internal async Task<bool> KillAfterAsync(TimeSpan time)
    {
        using var timer = new CancellationTokenSource(time);
        try
        {
            await _process.WaitForExitAsync(timer.Token);
            return false;
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            return true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        await _reading;
        _process.Dispose();
        _line.Dispose();
    }

    private async Task ReadAsync(StreamReader reader, ConcurrentQueue<string> lines)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lines.Enqueue(line);
            _line.Release();
        }

        _line.Release();
    }
}
