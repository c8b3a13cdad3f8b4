using System.Text;
using Mlops.Sdk.Data;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class SegmentsAndSketchesTests
{
    private static readonly EncodedTable Trained = TestData.Sample(1, 2000, operators: ["ACME", "ACME", "ACME", "BIRD", "BIRD", "CROW"]);
    private static readonly ReferenceProfile Reference = ReferenceProfile.Of(Trained, TestData.Answers(Trained));

    [Fact]
    public void Rows_are_counted_by_the_most_frequent_categories_and_segments_add_up_to_the_whole()
    {
        #region segments
        var options = new RecordingOptions { MaxSegments = 2 };
        options.SegmentBy["m"] = "Operator";
        #endregion
        PredictionRecorder recorder = Recorder(options);
        foreach (string? name in (string?[])["ACME", "BIRD", "CROW", "DODO", null, "ACME"])
        {
            recorder.Record("m", 1, new ModelRow([100, 1], [name]), [0.5f]);
        }

        MonitorWindow window = Assert.Single(recorder.TakeWindows("m"));
        Assert.Equal([("Operator=ACME", 2L), ("Operator=BIRD", 1), ("Operator=(other)", 2), ("Operator=(missing)", 1)], window.Segments.Select(s => (s.Segment!, s.Rows)));
        PredictionRecorderTests.Same(window, MonitorWindow.Merge("all", window.Segments));
        MonitorWindow read = MonitorWindow.Deserialize(window.Serialize());
        Assert.Equal(window.Segments.Select(s => (s.Segment, s.Rows)), read.Segments.Select(s => (s.Segment, s.Rows)));
        MonitorWindow twice = MonitorWindow.Merge("twice", [window, read]);
        Assert.Equal([("Operator=(missing)", 2L), ("Operator=(other)", 4), ("Operator=ACME", 4), ("Operator=BIRD", 2)], twice.Segments.Select(s => (s.Segment!, s.Rows)));
    }

    [Fact]
    public void A_recorder_needs_nothing_else_around_it()
    {
        (ModelSchema schema, ReferenceProfile reference) = (TestData.Schema, Reference);
        (float[] numbers, string?[] texts, float[] outputs) = ([100, 1], ["ACME"], [0.5f]);
        #region standalone
        var recorder = new PredictionRecorder(TimeProvider.System, new TimeOrderedIdGenerator(TimeProvider.System));
        recorder.Watch("m", 1, schema, reference); // the reference: ReferenceProfile.Of the rows it was trained on
        recorder.Record("m", 1, new ModelRow(numbers, texts), outputs);
        IReadOnlyList<MonitorWindow> windows = recorder.TakeWindows("m");
        #endregion
        Assert.Equal(1, Assert.Single(windows).Rows);
    }

    [Fact]
    public void Rows_are_counted_by_the_way_their_call_took_and_ways_are_bounded()
    {
        var options = new RecordingOptions { MaxSegments = 2 };
        options.SegmentBy["m"] = RecordingOptions.ByRoute;
        PredictionRecorder recorder = Recorder(options);
        foreach (string? route in (string?[])["champion", "canary", null, "c", "d", "canary"])
        {
            recorder.OnPredicted("m", 1, new ModelRow([100, 1], ["ACME"]), [0.5f], new PredictionContext(Route: route));
        }

        Assert.Equal([("route=champion", 1L), ("route=canary", 2), ("route=(other)", 2), ("route=(none)", 1)], recorder.TakeWindows("m")[0].Segments.Select(s => (s.Segment!, s.Rows)));
    }

    [Fact]
    public void A_segment_that_no_text_input_makes_is_refused()
    {
        var options = new RecordingOptions();
        options.SegmentBy["m"] = "Speed";
        Assert.Equal("monitoring.unknown_segment", Assert.Throws<MlopsDataException>(() => Recorder(options)).Code);
    }

    [Fact]
    public void Sketches_are_kept_only_where_they_are_asked_for_and_merge_over_threads_and_windows()
    {
        EncodedTable rows = TestData.Sample(5, 4_000, operators: ["ACME", "DODO", "EMU", "EMU"]);
        PredictionRecorder recorder = Recorder(new RecordingOptions { Sketches = WindowSketches.Quantiles | WindowSketches.Distinct | WindowSketches.UnseenTexts });
        Parallel.For(0, 4, part => Record(recorder, rows, part * 1_000, (part + 1) * 1_000));
        MonitorWindow first = recorder.TakeWindows("m")[0];
        Record(recorder, rows, 0, 1_000);
        MonitorWindow window = MonitorWindow.Deserialize(MonitorWindow.Merge("w", [first, recorder.TakeWindows("m")[0]]).Serialize());
        double[] speeds = [.. rows.Numbers[0].Concat(rows.Numbers[0].Take(1_000)).Where(float.IsFinite).Select(v => (double)v).Order()];
        QuantileSketch quantiles = window.Features[0].Quantiles!;
        Assert.Equal(speeds.Length, quantiles.Count);
        foreach (int percent in (int[])[5, 25, 50, 75, 95])
        {
            double value = speeds[speeds.Length * percent / 100];
            Assert.InRange(quantiles.Rank(value), (speeds.Count(s => s <= value) / (double)speeds.Length) - quantiles.CurveError, (speeds.Count(s => s <= value) / (double)speeds.Length) + quantiles.CurveError);
        }

        Assert.Equal(3, window.Features[1].Distinct!.Estimate(), 0.1);
        Assert.Equal(rows.Numbers[0].Where(float.IsFinite).Distinct().Count(), window.Features[0].Distinct!.Estimate(), 0.03 * rows.Rows);
        IReadOnlyList<FrequentItem> unseen = window.Features[1].UnseenTexts!.Top();
        Assert.Equal(["EMU", "DODO"], unseen.Select(u => u.Text));
        Assert.Equal(window.Features[1].Unseen, unseen.Sum(u => u.AtLeast));

        PredictionRecorder plain = Recorder(new RecordingOptions());
        Record(plain, rows, 0, 1_000);
        string json = Encoding.UTF8.GetString(plain.TakeWindows("m")[0].Serialize());
        Assert.DoesNotContain("uantiles", json, StringComparison.Ordinal);
        Assert.DoesNotContain("DODO", json, StringComparison.Ordinal);
    }

    [Fact]
    public void Whole_rows_are_kept_only_where_they_are_asked_for_in_memory_and_bounded()
    {
        EncodedTable rows = TestData.Sample(5, 3_000);
        PredictionRecorder recorder = Recorder(new RecordingOptions { SampleRows = 50 });
        Parallel.For(0, 3, part => Record(recorder, rows, part * 1_000, (part + 1) * 1_000));
        MonitorWindow window = recorder.TakeWindows("m")[0];
        Assert.Equal((50, 3_000L), (window.Sample!.Items.Count, window.Sample.Count));
        HashSet<(float, float)> all = [.. rows.Numbers[0].Zip(rows.Numbers[1])];
        Assert.All(window.Sample.Items, item => Assert.Contains((item.Numbers[0], item.Numbers[1]), all));
        Assert.DoesNotContain("sample", Encoding.UTF8.GetString(window.Serialize()), StringComparison.OrdinalIgnoreCase);
        Assert.Null(MonitorWindow.Deserialize(window.Serialize()).Sample);
        Assert.Equal(50, MonitorWindow.Merge("w", [window, window with { Id = "other" }]).Sample!.Items.Count);
    }

    [Fact]
    public void Many_models_are_recorded_each_on_its_own()
    {
        var recorder = new PredictionRecorder(TimeProvider.System, new SequentialIdGenerator());
        for (int model = 0; model < 100; model++)
        {
            recorder.Watch($"m{model}", 1 + (model % 3), TestData.Schema, Reference);
        }

        for (int row = 0; row < 1_000; row++)
        {
            recorder.Record($"m{row % 101}", 1 + (row % 101 % 3), new ModelRow([100, 1], ["ACME"]), [0.5f]);
        }

        Assert.Equal(9, recorder.UnknownPredictions); // rows 100, 201, ... 908 of the model that nobody announced
        Assert.Equal(991, Enumerable.Range(0, 100).Sum(m => Assert.Single(recorder.TakeWindows($"m{m}")).Rows));
    }

    [Fact]
    public void A_thousand_features_take_the_memory_that_the_guide_says()
    {
        const int features = 1_000;
        ModelInput[] inputs = [.. Enumerable.Range(0, features).Select(i => new ModelInput($"f{i}", InputKind.Number, $"f{i}"))];
        var schema = new ModelSchema(ModelTask.Regression, inputs, [ModelOutputs.Score], "label");
        var random = new Random(1);
        EncodedTable table = EncodedTable.From(new Table([.. inputs.Select(i => new NumberColumn(i.Name, [.. Enumerable.Range(0, 100).Select(_ => random.NextDouble())]))]), schema);
        var recorder = new PredictionRecorder(TimeProvider.System, new SequentialIdGenerator());
        recorder.Watch("wide", 1, schema, ReferenceProfile.Of(table));
        float[] numbers = new float[features];
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int row = 0; row < 100; row++)
        {
            table.ReadRow(row, numbers, []);
            recorder.Record("wide", 1, new ModelRow(numbers, []), [0]);
        }

        // one lane: 8 bytes for each of 12 counts, 4 for each of 8 buffered values, 48 of moments, for each feature
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, features * ((12 * 8) + (8 * 4) + 48) + 2_000);
        MonitorWindow window = recorder.TakeWindows("wide")[0];
        Assert.All(window.Features, f => Assert.Equal(10, f.Counts.Sum() / 10));
    }

    [Fact]
    public void A_window_of_format_1_is_still_read()
    {
        const string json = """{"format":1,"id":"w","model":"m","version":3,"reference":"sha256:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a","from":"2026-01-01T00:00:00+00:00","to":"2026-01-01T01:00:00+00:00","rows":3,"notRecorded":1,"features":[{"name":"a","kind":"Number","role":"Input","counts":[1,1],"unseen":0,"missing":1,"infinite":0,"mean":2.5,"squaredDeviations":0.5,"minimum":2,"maximum":3}]}""";
        string sha = Digest.Of([1]).ToString();
        MonitorWindow window = MonitorWindow.Deserialize(Encoding.UTF8.GetBytes(json.Replace("sha256:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a", sha, StringComparison.Ordinal)));
        Assert.Equal((1, 3L, 0L, null, 0), (window.Format, window.Rows, window.Late, window.Segment, window.Segments.Count));
        Assert.Equal(2, MonitorWindow.Merge("w2", [window, window]).Format);
    }

    private static PredictionRecorder Recorder(RecordingOptions options)
    {
        var recorder = new PredictionRecorder(TimeProvider.System, new SequentialIdGenerator(), options: options);
        recorder.Watch("m", 1, TestData.Schema, Reference);
        return recorder;
    }

    private static void Record(PredictionRecorder recorder, EncodedTable rows, int from, int to)
    {
        float[] numbers = new float[2];
        string?[] texts = new string?[1];
        for (int i = from; i < to; i++)
        {
            rows.ReadRow(i, numbers, texts);
            recorder.Record("m", 1, new ModelRow(numbers, texts), [0.5f]);
        }
    }
}
