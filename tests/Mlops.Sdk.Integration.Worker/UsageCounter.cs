using System.Globalization;
using Mlops.Sdk.Monitoring;

namespace Mlops.Sdk.Integration.Worker;

/// <summary>Counts calls as a served model does and writes them after every so many, which stands for the flush interval. Says "written CALLS" each time that was done.</summary>
public static class UsageCounter
{
    public const string Model = "used";

    public static async Task RunAsync(string folder, int each)
    {
        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(folder);
        await using var log = new UsageLog(mlops.Store, mlops.Ledger, new UsageOptions { FlushInterval = TimeSpan.FromHours(1) });
        for (long calls = each; ; calls += each)
        {
            for (int i = 0; i < each; i++)
            {
                log.OnCalled(new PredictionCall(Model, 1 + (i % 2), 1, TimeSpan.FromMilliseconds(i % 20), null, new PredictionContext(Caller: $"process {Environment.ProcessId}")));
            }

            await log.FlushAsync();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"written {calls}"));
        }
    }
}
