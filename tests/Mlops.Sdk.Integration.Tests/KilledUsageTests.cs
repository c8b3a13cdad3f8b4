using System.Globalization;
using Mlops.Sdk.Integration.Worker;
using Mlops.Sdk.Monitoring;

namespace Mlops.Sdk.Integration.Tests;

public sealed class KilledUsageTests
{
    [Fact]
    public async Task Processes_that_count_calls_and_are_killed_lose_at_most_one_flush_interval_each()
    {
        const int each = 500;
        using var folder = new TemporaryFolder();
        string workspace = folder["workspace"];
        ProgramUnderTest[] workers = [.. Enumerable.Range(0, 3).Select(_ => ProgramUnderTest.StartAssembly(typeof(HousePrices), folder.Path, "usage", workspace, $"{each}"))];
        var told = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (ProgramUnderTest worker in workers)
        {
            int seen = 0;
            await worker.LineAsync(line => line.StartsWith("written ", StringComparison.Ordinal) && ++seen > 5);
            worker.Process.Kill();
            await worker.EndAsync();

            // the last line may be torn: only what ends with a line end was said
            string[] lines = [.. worker.Output.Split('\n').Where(l => l.StartsWith("written ", StringComparison.Ordinal))];
            told[$"process {worker.Process.Id}"] = lines.SkipLast(1).Max(l => long.Parse(l.Split(' ')[1], CultureInfo.InvariantCulture));
            await worker.DisposeAsync();
        }

        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(workspace);
        await using var log = new UsageLog(mlops.Store, mlops.Ledger);
        log.OnCalled(new PredictionCall("another", 1, 1, TimeSpan.Zero, null, default));
        await log.FlushAsync(); // opening the log to write commits a segment that a kill left between the store and the ledger
        IReadOnlyList<UsageRow> rows = (await log.QueryAsync(new UsageQuery { Model = UsageCounter.Model, By = UsageParts.Caller })).Rows;
        Assert.Equal(told.Keys.Order(StringComparer.Ordinal), rows.Select(r => r.Caller));
        foreach (UsageRow row in rows)
        {
            Assert.Equal(0, row.Calls % each); // whole intervals
            Assert.InRange(row.Calls, told[row.Caller!], told[row.Caller!] + (2 * each)); // said, one that may be torn, and one that was written and not said
        }

        RecordVerification verification = await new RecordLogs(mlops.Store, mlops.Ledger).Get(UsageLog.LogName).VerifyAsync();
        Assert.True(verification.Ok, string.Join('\n', verification.Problems));
    }
}
