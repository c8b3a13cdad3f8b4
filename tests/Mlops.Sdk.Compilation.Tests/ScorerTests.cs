using Mlops.Sdk.Serving;

namespace Mlops.Sdk.Compilation.Tests;

public sealed class ScorerTests
{
    [Theory]
    [InlineData("lightgbm", "mask-tables")]
    [InlineData("lightgbm-categorical", "mask-tables")]
    [InlineData("lightgbm-64-leaves", "mask-tables")]
    [InlineData("lightgbm-200-leaves", "flat-trees")]
    [InlineData("fastforest", "mask-tables")]
    [InlineData("lbfgs", "linear")]
    [InlineData("sdca-regression", "linear")]
    public void Each_kind_of_model_has_its_scorer(string name, string scorer) => Assert.Equal(scorer, Compile(name).Model.Scorer);

    [Theory]
    [InlineData(512)]
    [InlineData(256)]
    [InlineData(128)]
    [InlineData(64)]
    public void Every_width_of_vectors_gives_the_same_bits(int width)
    {
        foreach (string name in (string[])["lightgbm-missing", "lightgbm-64-leaves"])
        {
            (TestData data, ILoadedModel model) = Trained.Get(name);
            CompiledResult compiled = ProgramCompiler.Compile(model, model.Program, null, width, ProgramCompiler.TableBudget);
            Assert.Null(compiled.Problem);
            Assert.Equal("mask-tables", compiled.Model.Scorer);
            EqualBitsTests.AssertEqualBits(model, compiled.Model, data, hostile: 500);
        }
    }

    [Theory]
    [InlineData("lightgbm-categorical")]
    [InlineData("fasttree-missing")]
    [InlineData("texts-only")]
    public void Tables_above_the_budget_give_way_to_trees_with_the_same_bits(string name)
    {
        (TestData data, ILoadedModel model) = Trained.Get(name);
        CompiledResult compiled = ProgramCompiler.Compile(model, model.Program, null, ProgramCompiler.BestWidth, budget: 10_000);
        Assert.Null(compiled.Problem);
        Assert.Equal("flat-trees", compiled.Model.Scorer);
        EqualBitsTests.AssertEqualBits(model, compiled.Model, data, hostile: 500);
    }

    [Theory]
    [InlineData("lightgbm-missing", true)]
    [InlineData("lightgbm", false)]
    [InlineData("fasttree-missing", false)]
    public void Only_a_missing_value_that_reaches_lightgbm_trees_takes_the_slow_way(string name, bool slow)
    {
        (TestData data, _) = Trained.Get(name);
        var compiled = (CompiledModel)Compile(name).Model;
        float[] outputs = new float[compiled.Schema.Outputs.Count];
        (float[] numbers, string?[] texts) = data.TestRows().First(r => !r.Numbers.Any(float.IsNaN));
        long before = compiled.Fallbacks;
        compiled.Score(new ModelRow(numbers, texts), outputs);
        Assert.Equal(before, compiled.Fallbacks);
        Array.Fill(numbers, float.NaN);
        compiled.Score(new ModelRow(numbers, texts), outputs);
        Assert.Equal(before + (slow ? 1 : 0), compiled.Fallbacks);
    }

    [Theory]
    [InlineData("lightgbm")]
    [InlineData("lightgbm-200-leaves")]
    [InlineData("fasttree")]
    [InlineData("lbfgs-wide")]
    [InlineData("sdca-dense")]
    public void Scoring_leaves_no_garbage(string name)
    {
        (TestData data, _) = Trained.Get(name);
        ILoadedModel compiled = Compile(name).Model;
        (float[] Numbers, string?[] Texts)[] rows = [.. data.TestRows().Take(100)];
        float[] outputs = new float[compiled.Schema.Outputs.Count];
        long bytes = -1;
        for (int round = 0; round < 3; round++)
        {
            // the first rounds may pay for the runtime's own work on a method that gets warm
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1_000; i++)
            {
                compiled.Score(new ModelRow(rows[i % rows.Length].Numbers, rows[i % rows.Length].Texts), outputs);
            }

            bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, bytes);
    }

    [Theory]
    [InlineData("lightgbm-missing")]
    [InlineData("lbfgs-wide")]
    public void Many_threads_share_one_scorer(string name)
    {
        (TestData data, ILoadedModel model) = Trained.Get(name);
        ILoadedModel compiled = Compile(name).Model;
        (float[] Numbers, string?[] Texts)[] rows = [.. data.TestRows()];
        float[] expected = [.. rows.Select(r => Score(model, r))];
        int wrong = 0;
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, thread =>
        {
            for (int i = 0; i < 4_000; i++)
            {
                int row = ((i * 7) + thread) % rows.Length;
                if (Score(compiled, rows[row]) != expected[row])
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        });
        Assert.Equal(0, wrong);
    }

    private static float Score(ILoadedModel model, (float[] Numbers, string?[] Texts) row)
    {
        Span<float> outputs = stackalloc float[model.Schema.Outputs.Count];
        model.Score(new ModelRow(row.Numbers, row.Texts), outputs);
        return outputs[0];
    }

    private static CompiledResult Compile(string name)
    {
        (TestData data, ILoadedModel model) = Trained.Get(name);
        CompiledResult compiled = ProgramCompiler.TryCompile(model, model.Program, data.Probes(50));
        Assert.Null(compiled.Problem);
        return compiled;
    }
}
