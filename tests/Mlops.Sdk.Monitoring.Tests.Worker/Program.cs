// Records rows of model "m" version 1 into the workspace in a folder until it is killed or its input ends; then it stops cleanly.
//   Worker FOLDER NUMBER: says "flushed ROWS" after each flush and "stopped ROWS" at the end.
using System.Globalization;
using Mlops.Sdk;
using Mlops.Sdk.Monitoring;
using Mlops.Sdk.Monitoring.Tests.Worker;
using Mlops.Sdk.Registry;

int worker = int.Parse(args[1], CultureInfo.InvariantCulture);
var store = new FolderObjectStore(args[0]);
var ids = new TimeOrderedIdGenerator(TimeProvider.System);
await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store, ids: ids);
var artifacts = new ArtifactStore(store);
ModelRegistry registry = await ModelRegistry.CreateAsync(ledger, artifacts);
var options = new RecordingOptions { FlushInterval = TimeSpan.FromSeconds(1), AbandonedAfter = TimeSpan.FromSeconds(3) };
var recorder = new PredictionRecorder(TimeProvider.System, ids, options: options);
await using var monitor = new ModelMonitor(ledger, registry, artifacts, store, recorder, ids, TimeProvider.System);
ModelVersion version = (await registry.FindVersionAsync("m", 1))!;
ModelManifest manifest = await registry.ReadManifestAsync(version);
await recorder.PrepareAsync(version, manifest, artifacts);
recorder.OnVersionActivated(version, manifest);

Task<string?> end = Task.Run(Console.In.ReadLineAsync);
int rows = 0;
while (!end.IsCompleted)
{
    for (int i = 0; i < 200; i++)
    {
        (float[] numbers, string?[] texts, float[] outputs) = RecordedRows.Of(worker, rows++);
        recorder.Record("m", 1, new ModelRow(numbers, texts), outputs);
    }

    await monitor.FlushAsync();
    Console.WriteLine($"flushed {rows.ToString(CultureInfo.InvariantCulture)}");

    // some rows are never flushed by those that are killed
    for (int i = 0; i < 77; i++)
    {
        (float[] numbers, string?[] texts, float[] outputs) = RecordedRows.Of(worker, rows++);
        recorder.Record("m", 1, new ModelRow(numbers, texts), outputs);
    }

    if (rows % 5 == 0)
    {
        await monitor.CheckAsync("m"); // closes what is large enough
    }
}

await monitor.DisposeAsync();
Console.WriteLine($"stopped {rows.ToString(CultureInfo.InvariantCulture)}");
