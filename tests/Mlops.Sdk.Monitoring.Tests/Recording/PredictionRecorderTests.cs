using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Data;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class PredictionRecorderTests
{
    private static readonly EncodedTable Trained = TestData.Sample(1, 4000);
    private static readonly ReferenceProfile Reference = ReferenceProfile.Of(Trained, TestData.Answers(Trained));
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    [Fact]
    public void Rows_recorded_one_by_one_count_as_a_table_of_them_does()
    {
        EncodedTable rows = TestData.Sample(2, 1500);
        float[][] answers = TestData.Answers(rows);
        PredictionRecorder recorder = Watching();
        Record(recorder, rows, answers, 0, rows.Rows);
        MonitorWindow window = Assert.Single(recorder.TakeWindows("m"));
        Same(MonitorWindow.Of("w", "m", 1, Reference, rows, answers), window);
        Assert.Equal((1500, 0, 1500), (window.Rows, window.NotRecorded, window.Features[0].Values + window.Features[0].Missing));
    }

    [Fact]
    public void A_window_tells_moments_and_the_ends_of_the_range()
    {
        EncodedTable rows = TestData.Sample(2, 1500, mean: 1e6, deviation: 0.5, missing: 0.3);
        PredictionRecorder recorder = Watching();
        Record(recorder, rows, TestData.Answers(rows), 0, rows.Rows);
        WindowFeature speed = recorder.TakeWindows("m")[0].Features[0];
        double[] values = [.. rows.Numbers[0].Where(v => !float.IsNaN(v)).Select(v => (double)v)];
        double mean = values.Average();
        Assert.Equal(mean, speed.Mean, 1e-6);
        Assert.Equal(values.Sum(v => (v - mean) * (v - mean)), speed.SquaredDeviations, 1e-6); // far from the reference's mean of 100: nothing cancels
        Assert.Equal(((float)values.Min(), (float)values.Max()), (speed.Minimum!.Value, speed.Maximum!.Value));
    }

    [Fact]
    public async Task Many_threads_lose_nothing_while_windows_are_taken()
    {
        const int threads = 4;
        const int each = 20_000;
        EncodedTable rows = TestData.Sample(2, 1000);
        float[][] answers = TestData.Answers(rows);
        PredictionRecorder recorder = Watching();
        Task[] work = [.. Enumerable.Range(0, threads).Select(t => Task.Run(() =>
        {
            for (int done = 0; done < each; done += rows.Rows)
            {
                Record(recorder, rows, answers, 0, rows.Rows);
            }
        }))];
        var windows = new List<MonitorWindow>();
        Task all = Task.WhenAll(work);
        while (!all.IsCompleted)
        {
            windows.AddRange(recorder.TakeWindows("m"));
            await Task.Yield();
        }

        await all;
        windows.AddRange(recorder.TakeWindows("m"));
        Assert.All(windows, w => Assert.All(w.Features, f => Assert.Equal(w.Rows, f.Values + f.Unseen + f.Missing + f.Infinite))); // a row is wholly in one window
        MonitorWindow merged = MonitorWindow.Merge("all", windows);
        MonitorWindow once = MonitorWindow.Of("w", "m", 1, Reference, rows, answers);
        Assert.Equal(threads * each, merged.Rows);
        Assert.All(merged.Features.Zip(once.Features), f => Assert.Equal(f.Second.Counts.Select(c => c * threads * each / rows.Rows), f.First.Counts));
    }

    [Fact]
    public void Recording_allocates_nothing()
    {
        EncodedTable rows = TestData.Sample(2, 500);
        float[][] answers = TestData.Answers(rows);
        PredictionRecorder recorder = Watching();
        float[] numbers = new float[2];
        string?[] texts = new string?[1];
        void All()
        {
            for (int i = 0; i < rows.Rows; i++)
            {
                rows.ReadRow(i, numbers, texts);
                recorder.Record("m", 1, new ModelRow(numbers, texts), answers[0].AsSpan(i, 1));
            }
        }

        All();
        long before = GC.GetAllocatedBytesForCurrentThread();
        All();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_value_on_an_edge_belongs_to_the_bin_below_it()
    {
        PredictionRecorder recorder = Watching();
        float edge = Reference.Features[0].Edges[3];
        foreach (float value in (float[])[MathF.BitDecrement(edge), edge, MathF.BitIncrement(edge), float.MaxValue, float.MinValue])
        {
            recorder.Record("m", 1, new ModelRow([value, 1], ["ACME"]), [0.5f]);
        }

        long[] counts = recorder.TakeWindows("m")[0].Features[0].Counts;
        Assert.Equal((2, 1, 1, 1), (counts[3], counts[4], counts[^1], counts[0]));
    }

    [Fact]
    public void Any_number_is_counted_in_the_bin_that_the_reference_gives_it() => Gen.Select(Gen.Float.Array[1, 40], Gen.Int[2, 64]).Sample((values, bins) =>
    {
        double[] wide = [.. values.Select(v => (double)v)];
        string?[] texts = new string?[wide.Length];
        EncodedTable rows = TestData.Rows(wide, texts);
        var profile = ReferenceProfile.Of(rows, bins: bins);
        MonitorWindow window = MonitorWindow.Of("w", "m", 1, profile, rows);
        return window.Features.Zip(profile.Features).All(f => f.First.Counts.SequenceEqual(f.Second.Kind == InputKind.Number ? f.Second.Counts : f.Second.CategoryCounts)
            && f.First.Missing == f.Second.Missing && f.First.Infinite == f.Second.Infinite);
    });

    [Fact]
    public void Windows_follow_each_other_without_gap_and_only_where_something_came()
    {
        PredictionRecorder recorder = Watching();
        Assert.Empty(recorder.TakeWindows("m"));
        _time.Advance(TimeSpan.FromMinutes(5));
        recorder.Record("m", 1, new ModelRow([1, 1], [null]), [0.5f]);
        MonitorWindow first = recorder.TakeWindows("m")[0];
        _time.Advance(TimeSpan.FromMinutes(5));
        recorder.Record("m", 1, new ModelRow([1, 1], [null]), [0.5f]);
        MonitorWindow second = recorder.TakeWindows("m")[0];
        Assert.Equal((first.To, _time.GetUtcNow()), (second.From, second.To));
        Assert.NotEqual(first.Id, second.Id);
        Assert.Empty(recorder.TakeWindows("m"));
        Assert.Empty(recorder.TakeWindows("another"));
    }

    [Fact]
    public async Task The_reference_is_read_before_a_version_goes_into_service()
    {
        (ModelVersion version, ModelManifest manifest, ArtifactStore artifacts) = await StoredAsync(Reference.Serialize());
        PredictionRecorder recorder = New();
        await recorder.PrepareAsync(version, manifest, artifacts);
        recorder.OnVersionActivated(version, manifest);
        recorder.OnPredicted("m", 7, new ModelRow([1, 2], ["ACME"]), [0.5f]);
        MonitorWindow window = Assert.Single(recorder.TakeWindows("m"));
        Assert.Equal((7, 1L, 0L, manifest.Files[0].Digest), (window.Version, window.Rows, window.NotRecorded, window.Reference));
    }

    [Fact]
    public async Task A_version_without_a_usable_reference_is_served_and_its_rows_are_counted_as_not_recorded()
    {
        foreach (byte[]? profile in (byte[]?[])[null, "{}"u8.ToArray(), "nonsense"u8.ToArray(), ReferenceProfile.Of(Trained) with { Features = [] } is { } none ? none.Serialize() : null])
        {
            (ModelVersion version, ModelManifest manifest, ArtifactStore artifacts) = await StoredAsync(profile);
            PredictionRecorder recorder = New();
            await recorder.PrepareAsync(version, manifest, artifacts);
            recorder.OnVersionActivated(version, manifest);
            recorder.OnPredicted("m", 7, new ModelRow([1, 2], ["ACME"]), [0.5f]);
            MonitorWindow window = Assert.Single(recorder.TakeWindows("m"));
            Assert.Equal((7, 0L, 1L), (window.Version, window.Rows, window.NotRecorded));
        }
    }

    [Fact]
    public void A_row_of_another_shape_is_counted_as_not_recorded()
    {
        PredictionRecorder recorder = Watching();
        recorder.Record("m", 1, new ModelRow([1], ["ACME"]), [0.5f]);
        recorder.Record("m", 1, new ModelRow([1, 2], []), [0.5f]);
        recorder.Record("m", 1, new ModelRow([1, 2], ["ACME"]), []);
        MonitorWindow window = recorder.TakeWindows("m")[0];
        Assert.Equal((0, 3), (window.Rows, window.NotRecorded));
    }

    [Fact]
    public void A_version_nobody_announced_is_counted()
    {
        PredictionRecorder recorder = Watching();
        recorder.Record("m", 2, new ModelRow([1, 2], ["ACME"]), [0.5f]);
        recorder.Record("other", 1, new ModelRow([1, 2], ["ACME"]), [0.5f]);
        Assert.Equal(2, recorder.UnknownPredictions);
        Assert.Empty(recorder.TakeWindows("m"));
    }

    [Fact]
    public void A_reference_that_does_not_fit_is_refused()
    {
        ModelSchema other = TestData.Schema with { Inputs = [.. TestData.Schema.Inputs.Take(2)] };
        Assert.Equal("monitoring.profile_mismatch", Assert.Throws<MlopsDataException>(() => New().Watch("m", 1, other, Reference)).Code);
        other = TestData.Schema with { Outputs = ["Score"] };
        Assert.Equal("monitoring.profile_mismatch", Assert.Throws<MlopsDataException>(() => New().Watch("m", 1, other, Reference)).Code);
    }

    [Fact]
    public void Versions_that_left_service_long_ago_are_forgotten()
    {
        PredictionRecorder recorder = New();
        for (int version = 1; version <= 100; version++)
        {
            recorder.Watch("m", version, TestData.Schema, Reference);
            recorder.TakeWindows("m");
        }

        recorder.Record("m", 1, new ModelRow([1, 2], ["ACME"]), [0.5f]);
        recorder.Record("m", 100, new ModelRow([1, 2], ["ACME"]), [0.5f]);
        Assert.Equal((1, 100), (recorder.UnknownPredictions, Assert.Single(recorder.TakeWindows("m")).Version));
    }

    private static void Record(PredictionRecorder recorder, EncodedTable rows, float[][] answers, int from, int to)
    {
        float[] numbers = new float[2];
        string?[] texts = new string?[1];
        for (int i = from; i < to; i++)
        {
            rows.ReadRow(i, numbers, texts);
            recorder.Record("m", 1, new ModelRow(numbers, texts), answers[0].AsSpan(i, 1));
        }
    }

    internal static void Same(MonitorWindow expected, MonitorWindow found)
    {
        Assert.Equal(expected.Rows, found.Rows);
        Assert.Equal(expected.Features.Count, found.Features.Count);
        foreach ((WindowFeature e, WindowFeature f) in expected.Features.Zip(found.Features))
        {
            Assert.Equal((e.Name, e.Kind, e.Role, e.Missing, e.Infinite, e.Unseen, e.Minimum, e.Maximum), (f.Name, f.Kind, f.Role, f.Missing, f.Infinite, f.Unseen, f.Minimum, f.Maximum));
            Assert.Equal(e.Counts, f.Counts);
            Assert.Equal(e.Mean, f.Mean, 1e-9 * Math.Max(1, Math.Abs(e.Mean)));
            Assert.Equal(e.SquaredDeviations, f.SquaredDeviations, 1e-9 * Math.Max(1, e.SquaredDeviations));
        }
    }

    private static async Task<(ModelVersion Version, ModelManifest Manifest, ArtifactStore Artifacts)> StoredAsync(byte[]? profile)
    {
        var artifacts = new ArtifactStore(new InMemoryObjectStore());
        var files = new List<ModelFile>();
        if (profile is not null)
        {
            ArtifactInfo info = await artifacts.WriteAsync(new MemoryStream(profile));
            files.Add(new ModelFile(ReferenceProfile.FileName, info.Digest, info.Length));
        }

        var manifest = new ModelManifest { Model = "m", ModelFormat = "fake", Files = files, Schema = TestData.Schema, Algorithm = "none" };
        return (new ModelVersion("m", 7, Digest.Of([1]), VersionStatus.Validated, null, "test", Actor.System, default), manifest, artifacts);
    }

    private PredictionRecorder New() => new(_time, new SequentialIdGenerator());

    private PredictionRecorder Watching()
    {
        PredictionRecorder recorder = New();
        recorder.Watch("m", 1, TestData.Schema, Reference);
        return recorder;
    }
}
