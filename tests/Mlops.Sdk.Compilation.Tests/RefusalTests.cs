using Mlops.Sdk.Serving;

namespace Mlops.Sdk.Compilation.Tests;

/// <summary>A program that is not the model's: the model goes on answering, and the reason is told.</summary>
public sealed class RefusalTests
{
    [Fact]
    public void A_leaf_that_is_off_by_a_hair_is_found() => AssertKept("lightgbm", "differ", p => WithTree(p, t =>
    {
        double[] leaves = [.. t.Leaves];
        leaves[0] += 1e-5;
        return t with { Leaves = leaves };
    }));

    [Fact]
    public void A_threshold_that_is_off_by_one_bit_is_found() => AssertKept("fasttree", "differ", p =>
    {
        var trees = (TreeProgram)p.Predictor;
        int first = p.Features.TakeWhile(f => f is NumberFeature).Count();
        return p with { Predictor = trees with { Trees = [.. trees.Trees.Select(t => t with { Threshold = [.. t.Threshold.Select((v, n) => t.Feature[n] >= 0 && t.Feature[n] < first ? MathF.BitIncrement(v) : v)] })] } };
    });

    [Fact]
    public void Swapped_categories_are_found() => AssertKept("lightgbm", "differ", p => p with
    {
        Features = [.. p.Features.Select(f => f is CategoryFeature text ? text with { Categories = [.. text.Categories.Reverse()] } : f)],
    });

    [Fact]
    public void A_wrong_replacement_is_found() => AssertKept("lbfgs", "differ", p => p with
    {
        Features = [.. p.Features.Select(f => f is NumberFeature number ? number with { Steps = [.. number.Steps.Select(s => s.Kind == NumberStepKind.Replace ? s with { Value = s.Value + 1 } : s)] } : f)],
    });

    [Fact]
    public void A_wrong_weight_is_found() => AssertKept("sdca", "differ", p => p with
    {
        Predictor = (LinearProgram)p.Predictor with { Weights = [.. ((LinearProgram)p.Predictor).Weights.Select(w => w == 0 ? w : MathF.BitIncrement(w))] },
    });

    [Fact]
    public void A_wrong_threshold_of_the_label_is_found() => AssertKept("sdca", "PredictedLabel", p => p with { Threshold = 0.5f });

    [Fact]
    public void A_wrong_link_is_found() => AssertKept("fasttree", "Probability", p => p with { Link = p.Link! with { Slope = p.Link!.Slope * 1.01 } });

    [Theory]
    [InlineData("circle", "is no tree")]
    [InlineData("leaf twice", "is no tree")]
    [InlineData("node out of range", "is no tree")]
    [InlineData("feature out of range", "looks at feature")]
    [InlineData("NaN threshold", "looks at feature")]
    [InlineData("too few leaves", "differ in length")]
    public void A_tree_that_is_none_is_refused(string how, string why) => AssertKept("lightgbm", why, p => WithTree(p, t => how switch
    {
        "circle" => t with { Left = [.. t.Left.Select(c => c >= 0 ? 0 : c)] },
        "leaf twice" => t with { Left = [.. t.Left.Select(c => c < 0 ? -1 : c)], Right = [.. t.Right.Select(c => c < 0 ? -1 : c)] },
        "node out of range" => t with { Left = [.. t.Left.Select(c => c > 0 ? 1_000_000 : c)] },
        "feature out of range" => t with { Feature = [.. t.Feature.Select(_ => 1_000_000)] },
        "NaN threshold" => t with { Threshold = [.. t.Threshold.Select(_ => float.NaN)] },
        _ => t with { Leaves = t.Leaves[1..] },
    }));

    [Fact]
    public void Weights_that_do_not_fit_the_features_are_refused() =>
        AssertKept("sdca", "weights", p => p with { Predictor = new LinearProgram([1, 2], 0) });

    [Fact]
    public void An_input_that_the_schema_lacks_is_refused() =>
        AssertKept("sdca", "no input", p => p with { Features = [.. p.Features.Select(f => f with { Input = "other" })] });

    [Fact]
    public void A_newer_program_is_refused_with_both_versions_named() => AssertKept("sdca", "format 2", p => p with { Format = 2 });

    [Fact]
    public void A_program_with_holes_is_refused() => AssertKept("lightgbm", "not compiled", p => WithTree(p, t => t with { Leaves = null! }));

    [Fact]
    public void A_stage_that_is_not_known_is_named()
    {
        (TestData data, ILoadedModel model) = Trained.Unknown();
        Assert.Null(model.Program);
        CompiledResult result = ProgramCompiler.TryCompile(model, model.Program, data.Probes(10));
        Assert.Same(model, result.Model);
        Assert.Contains("the normaliser of 'N0.norm' is not affine", result.Problem, StringComparison.Ordinal);
    }

    private static ModelProgram WithTree(ModelProgram program, Func<ProgramTree, ProgramTree> change)
    {
        var trees = (TreeProgram)program.Predictor;
        return program with { Predictor = trees with { Trees = [change(trees.Trees[0]), .. trees.Trees.Skip(1)] } };
    }

    private static void AssertKept(string name, string why, Func<ModelProgram, ModelProgram> tamper)
    {
        (TestData data, ILoadedModel model) = Trained.Get(name);
        Assert.NotNull(model.Program);
        CompiledResult result = ProgramCompiler.TryCompile(model, tamper(model.Program), data.Probes(50));
        Assert.Same(model, result.Model);
        Assert.Contains(why, result.Problem, StringComparison.Ordinal);
    }
}
