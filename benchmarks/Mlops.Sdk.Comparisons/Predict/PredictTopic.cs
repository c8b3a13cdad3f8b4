using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.ObjectPool;
using Microsoft.ML;
using Mlops.Sdk.MLNet;
using Mlops.Sdk.Registry;
using Mlops.Sdk.Serving;

namespace Mlops.Sdk.Comparisons;

/// <summary>One row at a time: our predictor, loaded from a workspace and following an alias, against ML.NET's PredictionEngine and an object pool of them.</summary>
internal static class PredictTopic
{
    private const int Rows = 8_000;
    private const int WorkingSet = 256;

    /// <summary>
    /// The goals: how many times the pool's rate at least, and how many bytes a row at most, through the whole predictor: lease, encoding,
    /// scoring, answer. The aim is 20, 20 and 6. On a busy machine with AVX2 and two cores it stood at 17, 17 and 4 (the scorer alone at
    /// 22, 18 and 7 in processor time), so the goals leave room for noise and still tell when a model is no longer compiled.
    /// </summary>
    private static readonly (string Model, Func<MLContext, IEstimator<ITransformer>> Trainer, double TimesPool, double Bytes)[] Goals =
    [
        ("lightgbm", ml => ml.BinaryClassification.Trainers.LightGbm(numberOfLeaves: 31, numberOfIterations: 100), 12, 0),
        ("fasttree", ml => ml.BinaryClassification.Trainers.FastTree(numberOfLeaves: 31, numberOfTrees: 100), 12, 0),
        ("linear", ml => ml.BinaryClassification.Trainers.SdcaLogisticRegression(maximumNumberOfIterations: 20), 3, 0),
    ];

    public static async Task RunAsync(Report report)
    {
        string folder = Path.Combine(Path.GetTempPath(), $"mlops-predict-{Environment.ProcessId}");
        try
        {
            AdultRow[] rows = AdultLike.Generate(Rows, seed: 7);
            var store = new FolderObjectStore(folder);
            await using ObjectLedger ledger = await ObjectLedger.OpenAsync(store);
            var artifacts = new ArtifactStore(store);
            ModelRegistry registry = await ModelRegistry.CreateAsync(ledger, artifacts);
            await using var server = new ModelServer(
                registry, ledger, artifacts, [new MLNetModelFormat()], [], [], TimeProvider.System, new TimeOrderedIdGenerator(TimeProvider.System), NullLogger<ModelServer>.Instance);
            foreach ((string name, Func<MLContext, IEstimator<ITransformer>> trainer, double timesPool, double bytes) in Goals)
            {
                var ml = new MLContext(seed: 7);
                byte[] zip = AdultPipeline.Train(ml, trainer(ml), rows);
                await AdultPipeline.RegisterAsync(zip, name, registry, artifacts);
                IPredictor<AdultRow, Answer> predictor = await server.GetPredictorAsync<AdultRow, Answer>(name);

                // all contenders score a model loaded from the same bytes, as a host would
                using var saved = new MemoryStream(zip, writable: false);
                ITransformer model = ml.Model.Load(saved, out DataViewSchema schema);
                Compare(report, name, timesPool, bytes, ml, model, schema, predictor, rows);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Compare(
        Report report, string name, double timesPool, double bytes, MLContext ml, ITransformer model, DataViewSchema schema, IPredictor<AdultRow, Answer> predictor, AdultRow[] rows)
    {
        PredictionEngine<AdultRow, EngineAnswer> NewEngine() => ml.Model.CreatePredictionEngine<AdultRow, EngineAnswer>(model, schema);
        var pool = new DefaultObjectPool<PredictionEngine<AdultRow, EngineAnswer>>(new EnginePolicy(NewEngine), 2 * Environment.ProcessorCount);
        report.AtMost($"{name}.different-bits", Differences(NewEngine(), predictor, rows), 0);
        Contender[] contenders =
        [
            new("ours", () => i => predictor.Predict(rows[i & (WorkingSet - 1)])),
            new("engine", () =>
            {
                PredictionEngine<AdultRow, EngineAnswer> own = NewEngine();
                return i => own.Predict(rows[i & (WorkingSet - 1)]);
            }),
            new("pool", () => i =>
            {
                PredictionEngine<AdultRow, EngineAnswer> engine = pool.Get();
                engine.Predict(rows[i & (WorkingSet - 1)]);
                pool.Return(engine);
            }),
        ];
        foreach (int threads in (int[])[1, 2])
        {
            Outcome[] outcomes = Slices.Run(threads, contenders);
            foreach (Outcome outcome in outcomes)
            {
                report.Note($"{name}.{threads}-thread.{outcome.Name}.ns-per-row", outcome.Nanoseconds(threads));
                report.Note($"{name}.{threads}-thread.{outcome.Name}.bytes-per-row", outcome.BytesPerItem);
            }

            report.Note($"{name}.{threads}-thread.times-engine", outcomes[0].RatioTo(outcomes[1]));
            report.AtLeast($"{name}.{threads}-thread.times-pool", outcomes[0].RatioTo(outcomes[2]), timesPool);
            report.AtMost($"{name}.{threads}-thread.bytes-per-row", Math.Round(outcomes[0].BytesPerItem, 1), bytes);
        }
    }

    private static int Differences(PredictionEngine<AdultRow, EngineAnswer> engine, IPredictor<AdultRow, Answer> predictor, AdultRow[] rows) => rows.Count(row =>
    {
        EngineAnswer theirs = engine.Predict(row);
        Answer ours = predictor.Predict(row).Value;
        return BitConverter.SingleToInt32Bits(theirs.Score) != BitConverter.SingleToInt32Bits(ours.Score)
            || BitConverter.SingleToInt32Bits(theirs.Probability) != BitConverter.SingleToInt32Bits(ours.Probability)
            || theirs.PredictedLabel != ours.PredictedLabel;
    });

    private sealed class EnginePolicy(Func<PredictionEngine<AdultRow, EngineAnswer>> create) : IPooledObjectPolicy<PredictionEngine<AdultRow, EngineAnswer>>
    {
        public PredictionEngine<AdultRow, EngineAnswer> Create() => create();

        public bool Return(PredictionEngine<AdultRow, EngineAnswer> obj) => true;
    }
}
