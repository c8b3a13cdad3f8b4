namespace Mlops.Sdk.Serving;

internal static class Background
{
    /// <summary>Starts work that outlives its caller, without the caller's flow: a request's activity or actor must not stick to it.</summary>
    internal static Task Run(Func<Task> work)
    {
        if (ExecutionContext.IsFlowSuppressed())
        {
            return Task.Run(work);
        }

        using (ExecutionContext.SuppressFlow())
        {
            return Task.Run(work);
        }
    }
}
