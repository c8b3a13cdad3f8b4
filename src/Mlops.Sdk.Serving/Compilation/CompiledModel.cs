using System.Runtime.CompilerServices;

namespace Mlops.Sdk.Serving;

/// <summary>A model that is scored by its program, with the model it was made from at hand for the rows that the program cannot score.</summary>
internal abstract class CompiledModel(ILoadedModel reference, Answer answer, string scorer) : ILoadedModel
{
    private long _fallbacks;

    public ModelSchema Schema { get; } = reference.Schema;

    public string Scorer { get; } = scorer;

    public ModelProgram? Program => reference.Program;

    public string? ProgramProblem => reference.ProgramProblem;

    /// <summary>Gets how many rows were scored by the model it was made from.</summary>
    internal long Fallbacks => Volatile.Read(ref _fallbacks);

    public abstract void Score(in ModelRow row, Span<float> outputs);

    public void Dispose() => reference.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected void Finish(float score, Span<float> outputs) => answer.Write(score, outputs);

    [MethodImpl(MethodImplOptions.NoInlining)]
    protected void Fallback(in ModelRow row, Span<float> outputs)
    {
        Interlocked.Increment(ref _fallbacks);
        reference.Score(row, outputs);
    }
}
