using Mlops.Sdk.Data;
using Mlops.Sdk.Monitoring;

namespace Mlops.Sdk.Comparisons;

/// <summary>What it costs to record a prediction: against the recorder one writes first, dictionaries under a lock.</summary>
internal static class RecordTopic
{
    private const int Numbers = 9;
    private const int Texts = 4;
    private const int Features = Numbers + Texts + 1; // and one output
    private const int Rows = 1024;

    public static Task RunAsync(Report report)
    {
        (ModelSchema schema, EncodedTable table, float[] answers) = Data();
        var profile = ReferenceProfile.Of(table, [answers]);
        Row[] rows = [.. Enumerable.Range(0, Rows).Select(i => Row.Of(table, answers, i))];
        foreach (int threads in (int[])[1, 2])
        {
            var recorder = new PredictionRecorder(TimeProvider.System, new TimeOrderedIdGenerator(TimeProvider.System));
            recorder.Watch("m", 1, schema, profile);
            var naive = new NaiveRecorder(profile);
            Outcome[] outcomes = Slices.Run(
                threads,
                [
                    new Contender("recorder", () => i =>
                    {
                        Row row = rows[i & (Rows - 1)];
                        recorder.OnPredicted("m", 1, new ModelRow(row.Numbers, row.Texts), row.Outputs);
                    }),
                    new Contender("dictionaries", () => i =>
                    {
                        Row row = rows[i & (Rows - 1)];
                        naive.Record(row.Numbers, row.Texts, row.Outputs);
                    }),
                ]);
            report.AtMost($"ns_per_feature_and_row_{threads}_threads", outcomes[0].Nanoseconds(threads) / Features, 15);
            report.AtMost($"bytes_per_row_{threads}_threads", outcomes[0].BytesPerItem, 0.01);
            report.Note($"dictionaries_ns_per_feature_and_row_{threads}_threads", outcomes[1].Nanoseconds(threads) / Features);
            report.AtLeast($"times_dictionaries_{threads}_threads", outcomes[0].RatioTo(outcomes[1]), 1);
        }

        // what is off by default: by segment, with sketches, with a sample of rows
        var segments = new RecordingOptions();
        segments.SegmentBy["m"] = "t0";
        Outcome[] more = Slices.Run(
            1,
            [
                One("segments", segments),
                One("sample", new RecordingOptions { SampleRows = 500 }),
                One("quantiles", new RecordingOptions { Sketches = WindowSketches.Quantiles }),
                One("distinct", new RecordingOptions { Sketches = WindowSketches.Distinct }),
            ]);
        foreach (Outcome outcome in more)
        {
            report.Note($"{outcome.Name}_ns_per_feature_and_row", outcome.Nanoseconds(1) / Features);
        }

        return Task.CompletedTask;

        Contender One(string name, RecordingOptions options) => new(name, () =>
        {
            var recorder = new PredictionRecorder(TimeProvider.System, new TimeOrderedIdGenerator(TimeProvider.System), options: options);
            recorder.Watch("m", 1, schema, profile);
            return i =>
            {
                Row row = rows[i & (Rows - 1)];
                recorder.OnPredicted("m", 1, new ModelRow(row.Numbers, row.Texts), row.Outputs);
            };
        });
    }

    private static (ModelSchema Schema, EncodedTable Table, float[] Answers) Data()
    {
        var random = new Random(7);
        List<Column> columns =
        [
            .. Enumerable.Range(0, Numbers).Select(n => new NumberColumn($"n{n}", [.. Enumerable.Range(0, Rows).Select(_ => random.NextDouble() < 0.1 ? double.NaN : -Math.Log(random.NextDouble()))])),
            .. Enumerable.Range(0, Texts).Select(t =>
            {
                string[] dictionary = [.. Enumerable.Range(0, 5 << (2 * t)).Select(i => $"category {t} number {i * 37}")];
                return new TextColumn($"t{t}", [.. Enumerable.Range(0, Rows).Select(_ => random.Next(-1, dictionary.Length))], dictionary);
            }),
        ];
        ModelInput[] inputs = [.. columns.Select(c => new ModelInput(c.Name, c is TextColumn ? InputKind.Text : InputKind.Number, c.Name))];
        var schema = new ModelSchema(ModelTask.Binary, inputs, [ModelOutputs.Probability], "label");
        return (schema, EncodedTable.From(new Table(columns), schema), [.. Enumerable.Range(0, Rows).Select(_ => random.NextSingle())]);
    }

    private sealed record Row(float[] Numbers, string?[] Texts, float[] Outputs)
    {
        public static Row Of(EncodedTable table, float[] answers, int index)
        {
            float[] numbers = new float[RecordTopic.Numbers];
            string?[] texts = new string?[RecordTopic.Texts];
            table.ReadRow(index, numbers, texts);

            // a text of a request is never the very object that training saw
            return new Row(numbers, Array.ConvertAll(texts, t => t is null ? null : new string(t)), [answers[index]]);
        }
    }

    /// <summary>Counts the same things with what the base library offers.</summary>
    private sealed class NaiveRecorder(ReferenceProfile profile)
    {
        private readonly Lock _gate = new();
        private readonly ReferenceFeature[] _numbers = [.. profile.Features.Where(f => f.Kind == InputKind.Number)];
        private readonly Dictionary<int, long>[] _bins = [.. profile.Features.Where(f => f.Kind == InputKind.Number).Select(_ => new Dictionary<int, long>())];
        private readonly Dictionary<string, long>[] _categories = [.. profile.Features.Where(f => f.Kind == InputKind.Text).Select(_ => new Dictionary<string, long>())];
        private readonly (double Sum, double Squares)[] _moments = new (double, double)[Numbers + 1];

        public void Record(float[] numbers, string?[] texts, float[] outputs)
        {
            lock (_gate)
            {
                for (int i = 0; i < numbers.Length; i++)
                {
                    Count(i, numbers[i]);
                }

                Count(numbers.Length, outputs[0]);
                for (int i = 0; i < texts.Length; i++)
                {
                    string text = texts[i] ?? string.Empty;
                    _categories[i][text] = _categories[i].GetValueOrDefault(text) + 1;
                }
            }
        }

        private void Count(int feature, float value)
        {
            int bin = -1;
            if (!float.IsNaN(value))
            {
                int at = Array.BinarySearch(_numbers[feature].Edges, value);
                bin = at >= 0 ? at : ~at;
                _moments[feature].Sum += value;
                _moments[feature].Squares += (double)value * value;
            }

            _bins[feature][bin] = _bins[feature].GetValueOrDefault(bin) + 1;
        }
    }
}
