using System.Text;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

/// <summary>Numbers computed by scikit-learn 1.2.1 and numpy: Golden/multivariate.py makes the same rows and prints them.</summary>
public sealed class MultivariateKnownAnswerTests
{
    private static readonly BoostingFrame Reference = Rows(42, 400, flip: false);
    private static readonly BoostingFrame Current = Rows(43, 200, flip: true);

    [Fact]
    public void Reconstruction_by_principal_components()
    {
        PcaReconstruction learned = PcaReconstruction.Fit(Reference, null, CancellationToken.None);
        Assert.Equal(2, learned.Components);
        Assert.All(new[] { 0.48256453423033635, 0.25802741538823537, 0.24123299073713925, 0.018175059644288956 }.Zip(learned.ExplainedVariance), p => Close(p.First, p.Second));
        Close(0.8694900973998221, learned.ReferenceError);
        Close(0.09731642389682663, learned.ReferenceSpread);
        PcaDrift drift = learned.Compare(Current);
        Close(1.672957765071426, drift.Error);
        Assert.Equal(DriftStatus.Drifted, drift.Status);
    }

    [Fact]
    public void The_error_of_rows_one_by_one_is_that_of_all()
    {
        PcaReconstruction learned = PcaReconstruction.Fit(Reference, null, CancellationToken.None);
        double[] errors = [.. Enumerable.Range(0, Current.Rows).Select(row => learned.ErrorOf([.. Current.Numbers.Select(n => n[row])], [Current.Texts[0][row]]))];
        Close(learned.Compare(Current).Error, errors.Average());
    }

    [Fact]
    public void Stored_components_answer_the_same_and_others_are_refused()
    {
        PcaReconstruction learned = PcaReconstruction.Fit(Reference, null, CancellationToken.None);
        PcaReconstruction read = PcaReconstruction.Deserialize(learned.Serialize());
        Assert.Equal(learned.Compare(Current), read.Compare(Current));
        Assert.Equal((learned.Components, learned.ChunkRows, learned.ReferenceRows), (read.Components, read.ChunkRows, read.ReferenceRows));
        Assert.Equal("monitoring.unreadable_model", Assert.Throws<MlopsIntegrityException>(() => PcaReconstruction.Deserialize("{}"u8)).Code);
        byte[] newer = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(learned.Serialize()).Replace("\"format\":1", "\"format\":7", StringComparison.Ordinal));
        Assert.Equal("monitoring.newer_format", Assert.Throws<MlopsIntegrityException>(() => PcaReconstruction.Deserialize(newer)).Code);
        byte[] torn = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(learned.Serialize()).Replace("\"means\":[", "\"means\":[0,", StringComparison.Ordinal));
        Assert.Equal("monitoring.unreadable_model", Assert.Throws<MlopsIntegrityException>(() => PcaReconstruction.Deserialize(torn)).Code);
    }

    [Fact]
    public void Mean_discrepancy()
    {
        MeanDiscrepancyDrift drift = MeanDiscrepancy.Compare(Reference, Current, new MeanDiscrepancyOptions { Permutations = 99 }, CancellationToken.None);
        Close(2.7388464876881162, drift.KernelScale);
        Close(0.04985179763693215, drift.Squared);
        Assert.Equal(0.01, drift.PValue, 12);
        Assert.Equal((400L, 200L), (drift.ReferenceUsed, drift.Used));
    }

    [Fact]
    public void Eigenvectors_are_of_length_1_at_right_angles_and_give_the_matrix_back()
    {
        const int Size = 40;
        var random = new SeededRandom(5);
        double[] matrix = new double[Size * Size];
        for (int i = 0; i < Size; i++)
        {
            for (int j = i; j < Size; j++)
            {
                matrix[(i * Size) + j] = matrix[(j * Size) + i] = random.NextNormal();
            }
        }

        (double[] values, double[] vectors) = SymmetricEigen.Decompose(matrix, Size);
        Assert.Equal(values.OrderDescending(), values);
        for (int i = 0; i < Size; i++)
        {
            for (int j = 0; j < Size; j++)
            {
                double product = Vectors.Dot(vectors.AsSpan(i * Size, Size), vectors.AsSpan(j * Size, Size));
                double rebuilt = Enumerable.Range(0, Size).Sum(k => values[k] * vectors[(k * Size) + i] * vectors[(k * Size) + j]);
                Assert.Equal(i == j ? 1 : 0, product, 12);
                Assert.Equal(matrix[(i * Size) + j], rebuilt, 11);
            }
        }
    }

    private static BoostingFrame Rows(long seed, int count, bool flip)
    {
        var random = new SeededRandom(seed);
        float[][] numbers = [new float[count], new float[count], new float[count]];
        int[] codes = new int[count];
        for (int row = 0; row < count; row++)
        {
            double[] u = [.. Enumerable.Range(0, 5).Select(_ => random.NextDouble())];
            numbers[0][row] = (float)u[0];
            numbers[1][row] = (float)((0.7 * (flip ? 1 - u[0] : u[0])) + (0.3 * u[1]));
            numbers[2][row] = u[3] < 0.1 ? float.NaN : (float)u[2];
            codes[row] = u[4] < (flip ? 0.3 : 0.5) ? 0 : u[4] < (flip ? 0.6 : 0.8) ? 1 : flip && u[4] > 0.9 ? 3 : 2;
        }

        return new BoostingFrame(count, ["a", "b", "c"], numbers, ["t"], [new TextColumn("t", codes, ["x", "y", "z", "new"])]);
    }

    private static void Close(double expected, double actual) => Assert.Equal(expected, actual, Math.Abs(expected) * 1e-9);
}
