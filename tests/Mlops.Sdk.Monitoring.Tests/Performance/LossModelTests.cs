using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class LossModelTests
{
    [Fact]
    public void Under_covariate_shift_the_realised_error_lies_in_the_band_of_the_estimate()
    {
        (LossModel model, PerformanceReference reference) = Fit(Draw(1, 20_000, 0).Rows);
        int within = 0;
        const int Windows = 100;
        for (int w = 0; w < Windows; w++)
        {
            (ReferenceRows rows, double mae, _) = Draw(100 + w, 1_000, 1.0 * w / Windows);
            MetricValue estimate = LossModel.Estimate(reference, Sums(model, rows))[PerformanceNames.Mae];
            within += mae >= estimate.Lower && mae <= estimate.Upper ? 1 : 0;
        }

        Assert.True(within >= 90, $"{within} of {Windows}");
    }

    [Fact]
    public void A_model_reads_as_it_was_written()
    {
        (LossModel model, _) = Fit(Draw(1, 500, 0).Rows);
        byte[] bytes = model.Serialize();
        LossModel read = LossModel.Deserialize(bytes);
        Assert.Equal(bytes, read.Serialize());
        Assert.Equal(["Size", "(answer)"], read.Features);
        for (int i = -20; i < 20; i++)
        {
            Assert.Equal(model.Expect(new ModelRow([i], []), i * 2f), read.Expect(new ModelRow([i], []), i * 2f));
        }

        Assert.True(bytes.Length < 100_000, $"{bytes.Length} bytes");
    }

    [Fact]
    public void Changed_and_cut_bytes_are_refused_or_still_answer()
    {
        byte[] bytes = Fit(Draw(1, 300, 0).Rows).Model.Serialize();
        Gen.Select(Gen.Int[0, bytes.Length - 1], Gen.Byte, Gen.Int[0, bytes.Length]).Sample((at, value, length) =>
        {
            byte[] changed = [.. bytes];
            changed[at] = value;
            foreach (byte[] some in new[] { changed, bytes[..length] })
            {
                try
                {
                    LossModel model = LossModel.Deserialize(some);
                    _ = model.Fits(new ModelRow([1f], [])) ? model.Expect(new ModelRow([1f], []), 2f) : default;
                }
                catch (MlopsIntegrityException error)
                {
                    Assert.True(error.Code is "monitoring.unreadable_reference" or "monitoring.newer_format", error.Code);
                }
            }
        });
        bytes[4] = 9;
        Assert.Equal("monitoring.newer_format", Assert.Throws<MlopsIntegrityException>(() => LossModel.Deserialize(bytes)).Code);
    }

    [Fact]
    public void A_reference_reads_as_it_was_written_and_nothing_else_does()
    {
        foreach (PerformanceRows rows in new[] { GoldenPerformance.Binary(), GoldenPerformance.Multiclass(), GoldenPerformance.Regression() })
        {
            PerformanceReference reference = PerformanceReference.Of(rows);
            byte[] bytes = reference.Serialize();
            Assert.Equal(bytes, PerformanceReference.Deserialize(bytes).Serialize());
            Assert.NotEmpty(reference.Chunks);
            Assert.Equal("monitoring.newer_format", Code((reference with { Format = 2 }).Serialize()));
            Assert.Equal("monitoring.unreadable_reference", Code((reference with { Rows = 0 }).Serialize()));
            Assert.Equal("monitoring.unreadable_reference", Code(bytes[..^3]));
        }

        Assert.Equal("monitoring.unreadable_reference", Code("{\"task\":\"Binary\",\"rows\":5,\"metrics\":{},\"classes\":[{\"rate\":0.5,\"error\":0,\"calibratedError\":0,\"map\":{\"scores\":[1,0],\"probabilities\":[0,1]}}]}"u8.ToArray()));
        static string Code(byte[] bytes) => Assert.Throws<MlopsIntegrityException>(() => PerformanceReference.Deserialize(bytes)).Code;
    }

    [Fact]
    public void The_files_of_a_version_are_made_of_its_test_rows()
    {
        Assert.Equal([PerformanceReference.FileName, LossModel.FileName], new PerformanceFiles().Make(Draw(1, 300, 0).Rows).Select(f => f.Name));
        Assert.Equal([PerformanceReference.FileName], new PerformanceFiles().Make(Draw(1, 100, 0).Rows).Select(f => f.Name));
        EncodedTable table = TestData.Sample(1, 50);
        Assert.Single(new PerformanceFiles().Make(new ReferenceRows(TestData.Schema, table, TestData.Answers(table), [.. Enumerable.Range(0, 50).Select(i => i % 2.0)])));
        Assert.Empty(new PerformanceFiles().Make(new ReferenceRows(TestData.Schema with { Outputs = [ModelOutputs.Score] }, table, TestData.Answers(table), new double[50])));
    }

    /// <summary>Prices whose error grows with the size: the larger the rows, the larger the loss.</summary>
    internal static (ReferenceRows Rows, double Mae, double Rmse) Draw(int seed, int rows, double shift)
    {
        var random = new Random(seed);
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        double[] sizes = new double[rows];
        float[] answers = new float[rows];
        double[] truths = new double[rows];
        for (int i = 0; i < rows; i++)
        {
            sizes[i] = 4 * Math.Pow(random.NextDouble(), 1 / (1 + shift)); // of the same range, and more of the large ones
            answers[i] = (float)(10 * sizes[i]);
            truths[i] = (10 * sizes[i]) + (Normal() * (0.5 + sizes[i]));
        }

        double[] errors = [.. answers.Zip(truths, (a, t) => Math.Abs(a - t))];
        EncodedTable table = EncodedTable.From(new Table([new NumberColumn("Size", sizes)]), PerformanceWorld.Numbers);
        return (new ReferenceRows(PerformanceWorld.Numbers, table, [answers], truths), errors.Average(), Math.Sqrt(errors.Average(e => e * e)));
    }

    private static (LossModel Model, PerformanceReference Reference) Fit(ReferenceRows rows) => (
        LossModel.Fit(rows.Table, rows.Outputs[0], rows.Actuals),
        PerformanceReference.Of(PerformanceRows.Regression(rows.Outputs[0], rows.Actuals)));

    private static LossSums Sums(LossModel model, ReferenceRows rows)
    {
        var sums = new LossSums();
        for (int i = 0; i < rows.Actuals.Count; i++)
        {
            (double absolute, double squared) = model.Expect(new ModelRow([rows.Table.Numbers[0][i]], []), rows.Outputs[0][i]);
            sums.Add(absolute, squared);
        }

        return sums;
    }
}
