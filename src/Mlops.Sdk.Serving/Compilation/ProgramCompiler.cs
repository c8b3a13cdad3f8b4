using System.Runtime.Intrinsics;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Serving;

/// <summary>The result of <see cref="ProgramCompiler"/>.</summary>
/// <param name="Model">What to score with: the compiled model, or the reference when it could not be compiled. Disposing it disposes the reference.</param>
/// <param name="Problem">Why the reference was kept, for a person; or null when the compiled model took its place, or when the reference is of a kind that is never compiled.</param>
/// <param name="Probes">How many rows both answered with the same bits.</param>
public sealed record CompiledResult(ILoadedModel Model, string? Problem, int Probes);

/// <summary>
/// Makes a fast scorer from what a model computes, and lets it answer only after it gave the same bits as the model itself on rows made to
/// find a difference: every threshold and its neighbours, every category, unknown and missing values, infinities, and the rows given.
/// </summary>
public static class ProgramCompiler
{
    /// <summary>The most bytes that mask tables may take; larger ensembles are walked node by node.</summary>
    internal const long TableBudget = 4 << 20;

    /// <summary>Gets the widest vectors that this processor handles well, in bits; 64 when there are none.</summary>
    internal static int BestWidth => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 64;

    /// <summary>Compiles and proves a model. Takes milliseconds to a second; meant for the time of loading.</summary>
    /// <param name="reference">The loaded model. It stays in use for rows that the compiled model cannot score.</param>
    /// <param name="program">What it computes, or null when that is not known.</param>
    /// <param name="probes">Rows to prove it on, besides those that are made up; or null.</param>
    /// <returns>The compiled model; or the reference and the reason.</returns>
    public static CompiledResult TryCompile(ILoadedModel reference, ModelProgram? program, ProbeRows? probes = null)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return Compile(reference, program, probes, BestWidth, TableBudget);
    }

    internal static CompiledResult Compile(ILoadedModel reference, ModelProgram? program, ProbeRows? probes, int width, long budget)
    {
        if (program is null)
        {
            return new CompiledResult(reference, reference.ProgramProblem, 0);
        }

        try
        {
            var layout = new Layout(program, reference.Schema);
            string? problem = null;
            foreach (CompiledModel candidate in Candidates(reference, program, layout, width, budget))
            {
                Proof proof = Proof.Of(reference, candidate, program, layout, probes);
                if (proof.Problem is null)
                {
                    return new CompiledResult(candidate, null, proof.Rows);
                }

                problem ??= proof.Problem;
            }

            return new CompiledResult(reference, problem, 0);
        }
        catch (NotCompilableException e)
        {
            return new CompiledResult(reference, $"The model was not compiled: {e.Message}.", 0);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // whatever is wrong with a program, the model itself is loaded and answers
            return new CompiledResult(reference, $"The model was not compiled: {e.GetType().Name}: {e.Message}", 0);
        }
    }

    private static IEnumerable<CompiledModel> Candidates(ILoadedModel reference, ModelProgram program, Layout layout, int width, long budget)
    {
        if (program.Format > ModelProgram.CurrentFormat)
        {
            throw new NotCompilableException($"its program is of format {program.Format}, this library reads up to format {ModelProgram.CurrentFormat}");
        }

        var answer = new Answer(program, reference.Schema);
        switch (program.Predictor)
        {
            case TreeProgram trees:
                yield return Trees(reference, answer, new Forest(trees, layout), layout, width, budget);
                break;
            case LinearProgram linear:
                yield return new LinearScorer(reference, answer, linear, layout, sparseWeights: false);
                if (linear.Weights.Contains(0f))
                {
                    yield return new LinearScorer(reference, answer, linear, layout, sparseWeights: true);
                }

                break;
            default:
                throw new NotCompilableException($"a predictor of kind {program.Predictor.GetType().Name} is not known");
        }
    }

    private static CompiledModel Trees(ILoadedModel reference, Answer answer, Forest forest, Layout layout, int width, long budget)
    {
        int[] index = new int[layout.Columns.Length];
        Array.Fill(index, -1);
        var columns = new List<TreeColumn>();
        foreach (IGrouping<int, ForestNode> nodes in forest.Trees.SelectMany(t => t.Nodes).GroupBy(n => n.Column).OrderBy(g => g.Key))
        {
            index[nodes.Key] = columns.Count;
            columns.Add(new TreeColumn(layout.Columns[nodes.Key], nodes));
        }

        long rows = columns.Sum(c => (long)c.Bins);
        return forest.MostLeaves switch
        {
            <= 32 when MaskTables<uint>.Bytes(rows, forest.Trees.Length) <= budget => new MaskTables<uint>(reference, answer, forest, [.. columns], index, width),
            <= 64 when MaskTables<ulong>.Bytes(rows, forest.Trees.Length) <= budget => new MaskTables<ulong>(reference, answer, forest, [.. columns], index, width),
            _ => new FlatTrees(reference, answer, forest, [.. columns], index),
        };
    }
}
